# The image that manifests/ deploys. Everything in it is pinned: packages by version and hash from
# requirements.txt, the wheel by this commit; give PYTHON_IMAGE a digest to pin the base as well.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml requirements.txt ./
COPY .ci/subset.py .ci/
RUN python .ci/subset.py > /tmp/runtime.txt \
    && python .ci/subset.py hatchling > /tmp/build.txt \
    && python -m venv --without-pip /opt/golive \
    && python -m venv /tmp/build \
    && /tmp/build/bin/pip install --only-binary :all: --require-hashes -r /tmp/build.txt \
    && /tmp/build/bin/pip --python /opt/golive/bin/python install --only-binary :all: --require-hashes -r /tmp/runtime.txt
COPY README.md LICENSE ./
COPY manifests manifests
COPY checks checks
COPY bot bot
RUN /tmp/build/bin/pip wheel --no-deps --no-build-isolation --no-index -w /tmp/wheel . \
    && /tmp/build/bin/pip --python /opt/golive/bin/python install --no-deps --no-index /tmp/wheel/*.whl

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/golive/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    GOLIVE_METRICS_PORT=9464
COPY --from=build /opt/golive /opt/golive
# A number, so that Kubernetes can see that it is not root's; it owns nothing in the image.
USER 10001:10001
WORKDIR /tmp
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-m", "bot.operations.probe"]
ENTRYPOINT ["golive"]
CMD ["run"]
