/// The engine's version: what an index notes about who made it, and what `--version` prints.
public let filipVersion = "0.1.0"
