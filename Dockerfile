# The service in one image: the program, git, bubblewrap and (unless left out) the presets' tools.
#   docker build -t portcullis [--build-arg TOOLBOX="basic web infra semgrep"] [--build-arg BASE=…@sha256:…] .
# It runs as user 10001 on a read-only root: docker run --read-only --tmpfs /tmp -v data:/var/lib/portcullis …
# Checks run in a sandbox that needs user namespaces and mounts: deploy/compose.yml says how to allow them.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS system
# Debian keeps only the newest of each package, security fixes included: a pinned version would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap ca-certificates git libseccomp2 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 portcullis \
 && useradd --system --uid 10001 --gid 10001 --create-home --home-dir /var/lib/portcullis portcullis \
 && install -d -o portcullis -g portcullis /var/lib/portcullis-artifacts \
 && ln -s /opt/portcullis/.venv/bin/portcullis /usr/local/bin/portcullis
ENV PORTCULLIS_DATA_DIR=/var/lib/portcullis \
    PORTCULLIS_TOOLBOX=/opt/portcullis-toolbox \
    PORTCULLIS_HOST=0.0.0.0 \
    PORTCULLIS_LOG_FORMAT=json \
    PYTHONUNBUFFERED=1
WORKDIR /opt/portcullis

# Everything is installed from pins with hashes; what installing leaves behind stays in this stage.
FROM system AS build
COPY deploy/requirements.txt deploy/
RUN python3 -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r deploy/requirements.txt
COPY migrations/ migrations/
COPY deploy/toolbox/ deploy/toolbox/
COPY app/ app/
RUN .venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > /tmp/packages \
 && pwd > "$(cat /tmp/packages)/portcullis.pth" \
 && printf '#!/bin/sh\nexec /opt/portcullis/.venv/bin/python -P -m app "$@"\n' > .venv/bin/portcullis \
 && chmod 755 .venv/bin/portcullis \
 && .venv/bin/python -m compileall -q app
ARG TOOLBOX=basic
RUN if [ -n "$TOOLBOX" ]; then PORTCULLIS_DATA_DIR=/tmp/data portcullis toolbox install $TOOLBOX; fi

FROM system
COPY --from=build /opt/ /opt/
USER 10001
VOLUME /var/lib/portcullis
EXPOSE 8400
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["/opt/portcullis/.venv/bin/python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORTCULLIS_PORT', '8400')}/healthz\", timeout=4)"]
ENTRYPOINT ["portcullis"]
CMD ["serve"]
