import TestSupport

/// Independent programs as the tests call them.
enum Oracle {
    /// Debian's own python, which has PyYAML and cloud-init; another may stand before it in PATH.
    static func python(_ program: String, input: [UInt8] = []) throws -> OutsideTool.Result {
        try OutsideTool("env").run(["/usr/bin/python3", "-c", program], input: input)
    }
}
