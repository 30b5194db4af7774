/// How a command shows its work: decided once per run, from `--json` and from where standard error goes.
enum OutputForm: Sendable {
    /// Lines on standard error that are rewritten in place.
    case terminal
    /// Lines on standard error, now and then.
    case plain
    /// JSON lines on standard output (docs/events.md).
    case json

    init(json: Bool, console: Console) {
        self = json ? .json : console.errorIsTerminal ? .terminal : .plain
    }
}
