# The bot in a small image: built in one stage, run in another without compilers, pip's cache or root.
# To pin the base image: --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:…; docs/operating.md says where the digest is found.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY deploy/requirements.txt deploy/requirements-build.txt ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements-build.txt \
    && python -m venv --without-pip /opt/bot \
    && /opt/build/bin/pip --python /opt/bot install --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
RUN /opt/build/bin/hatchling build -t wheel -d /opt/wheel \
    && /opt/build/bin/pip --python /opt/bot install --no-index --no-deps /opt/wheel/*.whl

FROM ${PYTHON_IMAGE}

RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data bot \
    && mkdir /data && chown bot:bot /data
COPY --from=build /opt/bot /opt/bot

ENV PATH=/opt/bot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# SQLite's file is here, unless BOT_DATABASE_URL says something else.
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, http.client as h; e = os.environ.get; c = h.HTTPConnection((e('BOT_HOST') or '127.0.0.1').strip('[]'), e('BOT_PORT') or 3000, timeout=4); c.request('GET', '/healthz'); exit(c.getresponse().status != 200)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["upgrade-bot"]
CMD ["run"]
