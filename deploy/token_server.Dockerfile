# The image of the token server and its page: docker build --file deploy/token_server.Dockerfile --tag earshot-token-server .

FROM python:3.11-slim AS packages
COPY deploy/token_server.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement token_server.lock

FROM python:3.11-slim
WORKDIR /app
COPY --from=packages /venv /venv
COPY agent/personas agent/personas
COPY configuration configuration
COPY records records
COPY tickets tickets
COPY token_server token_server
COPY web web
# Compiled here, because the user of the container can't write to /app. /records is for RECORD_DIR: the worker's user, who alone can
# read recorded calls, has the same number.
RUN python -m compileall -q configuration records tickets token_server \
    && install -d -o 10001 -g 10001 -m 0700 /records
ENV PATH=/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    TOKEN_HOST=0.0.0.0 \
    TOKEN_PORT=7882
USER 10001:10001
EXPOSE 7882
CMD ["python", "-m", "token_server"]
