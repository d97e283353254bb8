/// The program's version: `--version`, `status`, and what an index notes about who made it.
let programVersion = "0.1.0"
