# Deskward in a container: see docs/containers.md. BASE may be any image with Python 3.11 and pip, of
# Alpine (3.23 or newer) or Debian; without the argument it is Alpine.
ARG BASE=python:3.11-alpine

# Stage 1: build dependencies, and with them a wheel of everything that runs.
FROM ${BASE} AS build
# cedarpy has no wheel for musl, so that Alpine compiles it; its sources lock their crates by hash.
# The compilers stay in this stage, and are as new as the base image.
# hadolint ignore=DL3018
RUN if command -v apk; then apk add --no-cache build-base cargo; fi
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 MATURIN_PEP517_ARGS=--locked
COPY requirements-build.lock ./
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --no-deps --require-hashes -r requirements-build.lock
ENV PATH=/opt/build/bin:$PATH
COPY requirements-runtime.lock ./
RUN pip wheel --no-build-isolation --no-deps --require-hashes --wheel-dir wheels -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY tools/check_lock.py tools/
RUN pip wheel --no-build-isolation --no-deps --wheel-dir wheels . \
    && python3 -m venv --without-pip /opt/deskward \
    && pip --python /opt/deskward/bin/python install --no-index --no-deps wheels/*.whl \
    && pip --python /opt/deskward/bin/python check \
    && python tools/check_lock.py requirements-runtime.lock /opt/deskward/lib/python3*/site-packages

# Stage 2: what runs, and nothing to build with.
FROM ${BASE}
# What Alpine's compilers made needs their library.
# hadolint ignore=DL3018
RUN if command -v apk; then apk add --no-cache libgcc; fi \
    && mkdir -p /app/data /app/logs \
    && chown 1000:1000 /app/data /app/logs
COPY --from=build /opt/deskward /opt/deskward
ENV PATH=/opt/deskward/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp \
    SERVER_HOST=0.0.0.0 DATA_DIR=/app/data LOG_FILE_PATH=/app/logs/app.log
WORKDIR /app
USER 1000:1000
VOLUME ["/app/data", "/app/logs"]
EXPOSE 9080
ENTRYPOINT ["deskward"]
CMD ["serve"]
