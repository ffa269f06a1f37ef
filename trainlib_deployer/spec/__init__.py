"""YAML text → ModelSpec and DeviceSpec, with the place of every error; JSON Schema."""
