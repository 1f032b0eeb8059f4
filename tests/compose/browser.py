"""What a person does in Airflow's UI, in a real browser. One call is one step; anything unexpected ends it.

PASSWORD=... python -m tests.compose.browser URL FOLDER STEP [VALUES AS JSON]

Runs in an environment of its own that has Playwright (`make compose-test` makes it). Pictures go to FOLDER;
errors in the browser's console are printed, and make the step a failure.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator

SLOWLY = 120_000  # milliseconds; the machine also runs Airflow and the jobs
RUN_SECONDS = 900


class Visit:
    """A person who has logged in; errors of the browser's console are collected in `complaints`."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self.url, self.folder, self.complaints = url, folder, list[str]()
        expect.set_options(timeout=SLOWLY)
        self.page = browser.new_page(viewport={"width": 1600, "height": 1000})
        self.page.set_default_timeout(SLOWLY)
        self.page.goto(url)
        self.page.locator("input[name=username]").fill("admin")
        self.page.locator("input[name=password]").fill(os.environ["PASSWORD"])
        self.picture("login")
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_test_id("nav-dags-link")).to_be_visible()
        # not earlier: before the login, calls of Airflow's page are refused, and the console reports it
        self.page.on("console", self._keep_error)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _keep_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.folder / f"{name}.png")

    def see_dags(self, dags: list[dict[str, Any]]) -> None:
        """Every DAG with its tags, its description and a form that can be sent; no import errors."""
        self.page.goto(f"{self.url}/dags")
        for dag in dags:
            name = self.page.get_by_test_id("dag-id").get_by_text(dag["dag_id"], exact=True)
            card = self.page.get_by_test_id("dag-card").filter(has=name)
            tags = card.get_by_test_id("limited-items-list").get_by_role("link")
            for tag in dag["tags"][:3]:  # a narrow card hides the rest
                expect(tags.get_by_text(tag["name"], exact=True)).to_be_visible()
        self.picture("dags")
        for dag in dags:
            self.page.goto(f"{self.url}/dags/{dag['dag_id']}/details")
            expect(self.page.get_by_text(dag["description"]).first).to_be_visible()
            self.open_form(dag["dag_id"])
        with self.page.expect_response(re.compile("/importErrors")) as errors:
            self.page.goto(self.url)
        assert errors.value.json()["total_entries"] == 0
        expect(self.page.get_by_text("Dag Import Error")).to_have_count(0)
        self.picture("home")

    def open_form(self, dag: str) -> Locator:
        """Open the trigger form; its button, which can be clicked as long as all fields are valid."""
        self.page.goto(f"{self.url}/dags/{dag}")
        self.page.get_by_test_id("trigger-dag-button").first.click()
        button = self.page.get_by_test_id("trigger-dag-submit")
        expect(self.page.get_by_role("button", name="Advanced Options")).to_be_visible()
        self.page.wait_for_timeout(1000)  # the fields are validated after they appear
        expect(button).to_be_enabled()
        return button

    def trigger(self, dag: str, sections: dict[str, dict[str, str]]) -> None:
        """Change params in sections of the trigger form, and start a run; one section is open at a time."""
        button = self.open_form(dag)
        for section, values in sections.items():
            self.page.get_by_role("button", name=section).click()
            for param, value in values.items():
                field = self.page.locator(f"#element_{param} input, input[name=element_{param}]").first
                field.fill(value)
                field.press("Tab")
        self.picture("trigger-form")
        button.click()
        self.page.wait_for_url(re.compile(r"/runs/"))
        self.picture("triggered")

    def see_graph(self, dag: str, run: str) -> None:
        """The run's graph, while it runs and when it is green."""
        self.page.goto(f"{self.url}/dags/{dag}/runs/{run}")
        self.page.get_by_role("button", name="Show Graph").first.click()
        expect(self.page.get_by_test_id("rf__wrapper")).to_be_visible()
        self.picture("graph-running")
        badge = self.page.locator("[data-testid=state-badge]:not(.react-flow__node *)").first  # the run's own
        expect(badge).to_contain_text("success", ignore_case=True, timeout=RUN_SECONDS * 1000)
        self.picture("graph-green")

    def read_log(self, dag: str, run: str, task: str, line: str) -> None:
        """A task's log with a line that the job itself has printed."""
        self.page.goto(f"{self.url}/dags/{dag}/runs/{run}/tasks/{task}")
        expect(self.page.get_by_text(line).first).to_be_visible()
        self.picture("log")

    def follow_link(self, dag: str, run: str, task: str, job: str) -> None:
        """An extra link of a task leads to its job's page in the AWS console."""
        self.page.goto(f"{self.url}/dags/{dag}/runs/{run}/tasks/{task}/details")
        link = self.page.locator(f"a[href*='/jobs/{job}']")
        expect(link).to_be_visible()
        self.picture("extra-link")
        console = re.compile(r"^https://console\.aws\.amazon\.com/sagemaker/")
        with self.page.context.expect_event("request", lambda request: bool(console.match(request.url))):
            link.click()

    def approve(self, dag: str, run: str, task: str) -> None:
        """Answer the question that a task asks."""
        self.page.goto(f"{self.url}/dags/{dag}/runs/{run}/tasks/{task}/required_actions")
        self.page.get_by_test_id("hitl-option-Approve").click()
        self.picture("question")
        expect(self.page.get_by_text(re.compile("Response (created|received) at")).first).to_be_visible()
        self.picture("answered")


def main(url: str, folder: str, step: str, values: str = "{}") -> int:
    Path(folder).mkdir(parents=True, exist_ok=True)
    program = os.environ.get("CHROMIUM")  # without it Playwright's own
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program or None, args=["--no-sandbox"])
        visit = Visit(browser, url, Path(folder))
        getattr(visit, step)(**json.loads(values))
        browser.close()
    print("\n".join(visit.complaints))
    return bool(visit.complaints)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
