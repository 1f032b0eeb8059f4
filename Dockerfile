# Two images on one base: `airflow` (every Airflow service) and `local-aws` (the local AWS and what its jobs run in).
# What changes seldom comes first, so that a change of a DAG costs no installation.
ARG AIRFLOW_IMAGE=apache/airflow:3.3.2-python3.12

FROM ${AIRFLOW_IMAGE} AS airflow
COPY --chown=airflow:0 requirements.txt requirements.lock /opt/airflow/
# compiled once here, not by every container that starts: that is most of the start-up time on two cores
RUN pip install --no-cache-dir --requirement requirements.txt --constraint requirements.lock \
    && (python -m compileall -q -j 0 "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" || true)
# group 0 may write, so that any AIRFLOW_UID works; a new volume takes this over
RUN mkdir -p /opt/airflow/secrets /opt/airflow/logs && chmod 0770 /opt/airflow/secrets && chmod g+rwX /opt/airflow/logs
ENV PYTHONPATH=/opt/airflow
COPY --chown=airflow:0 docker/first_start.py /opt/airflow/docker/
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 dags /opt/airflow/dags

FROM ${AIRFLOW_IMAGE} AS local-aws
# an environment of its own, as on a laptop: jobs do not share Airflow's packages
RUN python -m venv /opt/airflow/jobs
COPY include/local_aws/requirements.txt include/local_aws/requirements.lock /opt/airflow/
RUN /opt/airflow/jobs/bin/pip install --no-cache-dir --disable-pip-version-check \
        --requirement requirements.txt --constraint requirements.lock
RUN mkdir -m 0700 /opt/airflow/state
COPY --chown=airflow:0 include/__init__.py include/
COPY --chown=airflow:0 include/local_aws include/local_aws
# inside the container's own network; compose publishes the port on loopback only
ENV LOCAL_AWS_HOST=0.0.0.0 LOCAL_AWS_PORT=4577 LOCAL_AWS_STATE=/opt/airflow/state PYTHONUNBUFFERED=1
# the server ends its jobs itself
ENV DUMB_INIT_SETSID=0
VOLUME /opt/airflow/state
EXPOSE 4577
ENTRYPOINT ["dumb-init", "--"]
CMD ["/opt/airflow/jobs/bin/python", "-m", "include.local_aws"]
