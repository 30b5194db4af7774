package import Diagnostics
import Text

#if canImport(Glibc)
    import Glibc
#endif

/// The one place that prints.
///
/// The rules of output: the result of a command goes to standard output, everything else to standard error. Messages
/// are lower case without a full stop; the next step is on a separate line after "hint:". Lines are rewritten only on a
/// terminal.
///
/// No text steers the terminal, wherever it comes from: recipes, images, archives, cards and nodes can hold escape
/// sequences. What a terminal would obey is shown as `\x1b`; only a ``TerminalControl`` gets through.
package struct Console: Sendable {
    /// Writes text to standard output or standard error unchanged.
    package typealias Sink = @Sendable (String) -> Void

    private let writeOutput: Sink
    private let writeError: Sink
    /// Reads a line from the user, without its line end, with or without echo; nil at the end of input.
    package let readLine: @Sendable (_ echo: Bool) -> String?
    package let inputIsTerminal: Bool
    package let errorIsTerminal: Bool
    /// Whether standard output is shown on a terminal, so that it should fit the window.
    package let outputIsTerminal: Bool
    private let window: @Sendable () -> (columns: Int, lines: Int)
    /// In columns, at this moment: a terminal's window changes.
    package var width: Int { window().columns }
    /// In lines.
    package var height: Int { window().lines }
    /// The keys that the user presses, one by one, until the stream is dropped; nil if standard input is not a
    /// terminal.
    package let keys: @Sendable () -> AsyncStream<Character>?

    package init(
        output: @escaping Sink, error: @escaping Sink,
        readLine: @escaping @Sendable (_ echo: Bool) -> String? = { _ in nil },
        inputIsTerminal: Bool = false, errorIsTerminal: Bool = false, outputIsTerminal: Bool = false,
        window: @escaping @Sendable () -> (columns: Int, lines: Int) = { (80, 24) },
        keys: @escaping @Sendable () -> AsyncStream<Character>? = { nil }
    ) {
        writeOutput = output
        writeError = error
        self.readLine = readLine
        self.inputIsTerminal = inputIsTerminal
        self.errorIsTerminal = errorIsTerminal
        self.outputIsTerminal = outputIsTerminal
        self.window = window
        self.keys = keys
    }

    /// Prints a line of the command's result.
    package func output(_ text: String) { writeOutput(Self.line(text.visible)) }

    /// Prints a JSON text, or a line of them.
    package func output(json text: String) { writeOutput(Self.line(text.visibleJSON)) }

    /// Prints a result that programs read, such as a file or the output of a node's command: unchanged, unless standard
    /// output is a terminal and the user has not asked for the text as it is.
    package func output(data text: String, unchanged: Bool = false) {
        unchanged || !outputIsTerminal ? writeOutput(Self.line(text)) : output(text)
    }

    /// Prints a line about the work.
    package func note(_ text: String) { writeError(Self.line(text.visible)) }

    /// Prints what a node's command says of its work.
    /// - Parameter unchanged: the user has asked for the text as it is.
    package func note(data text: String, unchanged: Bool) { unchanged ? writeError(Self.line(text)) : note(text) }

    /// Text on standard error without a line end, for prompts and progress.
    package func write(_ text: String) { writeError(text.visible) }

    func control(_ control: TerminalControl) { writeError(control.sequence) }

    private static func line(_ text: String) -> String { text.utf8.last == UInt8(ascii: "\n") ? text : text + "\n" }

    package func error(_ failure: Failure) {
        note("piflash: \(failure.message)")
        if let hint = failure.hint { note("  hint: \(hint)") }
    }

    package func report(_ report: DiagnosticReport) {
        for diagnostic in report.sorted { note(diagnostic.description) }
    }

    /// Asks a question on the terminal.
    package func ask(_ question: String, echo: Bool = true) -> String? {
        write(question)
        let answer = readLine(echo)
        if !echo || answer == nil { write("\n") }
        return answer
    }

    /// The process's own streams.
    package static func standard(environment: [String: String]) -> Console {
        Console(
            output: { write($0, to: STDOUT_FILENO) }, error: { write($0, to: STDERR_FILENO) },
            readLine: readTerminalLine, inputIsTerminal: isatty(STDIN_FILENO) == 1,
            errorIsTerminal: isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb",
            outputIsTerminal: isatty(STDOUT_FILENO) == 1,
            window: terminalWindow, keys: RawTerminal.keys)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // The reader is gone (`piflash devices | head`): writing a card must go on.
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    @Sendable private static func terminalWindow() -> (columns: Int, lines: Int) {
        var size = winsize()
        // Either stream may be redirected.
        guard
            [STDERR_FILENO, STDOUT_FILENO].contains(where: {
                ioctl($0, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
            })
        else { return (80, 24) }
        return (Int(size.ws_col), size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    private static func readTerminalLine(echo: Bool) -> String? {
        var saved = termios()
        let hides = !echo && tcgetattr(STDIN_FILENO, &saved) == 0
        if hides {
            var silent = saved
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        }
        defer { if hides { tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved) } }
        return Swift.readLine(strippingNewline: true)
    }
}
