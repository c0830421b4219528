# The image of the worker. LiveKit Cloud builds this file (`lk agent create`); docs/deploy.md says how to build and run it elsewhere.

FROM python:3.11-slim AS packages
COPY deploy/worker.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement worker.lock

FROM python:3.11-slim
WORKDIR /app
COPY --from=packages /venv /venv
COPY agent.py ./
COPY agent agent
COPY configuration configuration
COPY examples examples
COPY failover failover
COPY records records
COPY tickets tickets
# Compiled here, because the user of the container can't write to /app. /var/lib/earshot is for RESUME_CALLERS_DIR and DAY_COST_DIR,
# /records for RECORD_DIR.
RUN python -m compileall -q agent.py agent configuration examples failover records tickets \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/earshot /records
ENV PATH=/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    HEALTH_HOST=0.0.0.0 \
    HEALTH_PORT=8081
USER 10001:10001
EXPOSE 8081
CMD ["python", "agent.py", "start"]
