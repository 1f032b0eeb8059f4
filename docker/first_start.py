"""Create the secrets that do not exist yet; existing ones stay, so a restart loses nothing.

Each is one file of the volume `secrets`; Airflow reads them by its `..._CMD` settings.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

FOLDER = Path("/opt/airflow/secrets")


def ensure(folder: Path, name: str, value: str) -> str:
    """The secret of that name: the existing one, or else `value`, which is written in one step."""
    file = folder / name
    if not file.exists():
        draft = folder / f"{name}.new"
        draft.touch(mode=0o660)
        draft.write_text(value)
        draft.replace(file)
    return file.read_text()


def make_all(folder: Path) -> None:
    """Create everything that the services share: keys, the database's password and addresses, the login."""
    os.umask(0o007)  # readable only by the group of the containers' users
    for name in ("secret_key", "jwt_secret"):
        ensure(folder, name, secrets.token_urlsafe(48))
    ensure(folder, "fernet_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    database = f"airflow:{ensure(folder, 'postgres_password', secrets.token_hex(24))}@postgres/airflow"
    ensure(folder, "sql_alchemy_conn", f"postgresql+psycopg2://{database}")
    ensure(folder, "result_backend", f"db+postgresql://{database}")
    ensure(folder, "passwords.json", json.dumps({"admin": secrets.token_urlsafe(12)}))


if __name__ == "__main__":
    make_all(FOLDER)
    print(f"Airflow comes up at {os.environ['AIRFLOW_URL']}, user admin; its password:")
    print("  docker compose exec airflow-apiserver cat /opt/airflow/secrets/passwords.json")
