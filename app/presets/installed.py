"""Where installed packages lie, which a tool runs or reads beside the project's own files. Pure data.

As globs of `config_files`: of an untrusted head they come from base's tree or cache, never from the head.
"""

NODE = ("node_modules",)
PYTHON = (".venv", "**/venv/bin", "**/venv/lib", "**/venv/lib64", "**/venv/pyvenv.cfg")
