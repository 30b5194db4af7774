import Foundation
import Testing

/// Compares a text with the file of that name in Golden/. With RECORD_GOLDEN in the environment it is recorded instead, and
/// the test fails once, so that no run records by accident.
func expectGolden(_ name: String, _ text: String, source: String = #filePath) throws {
    let file = URL(fileURLWithPath: source).deletingLastPathComponent().appending(path: "Golden/\(name)")
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil {
        try Data(text.utf8).write(to: file)
        Issue.record("recorded \(name); run again without RECORD_GOLDEN")
        return
    }
    let expected = try String(decoding: Data(contentsOf: file), as: UTF8.self)
    guard expected != text else { return }
    let pairs = zip(
        expected.split(separator: "\n", omittingEmptySubsequences: false),
        text.split(separator: "\n", omittingEmptySubsequences: false))
    let difference = pairs.enumerated().first { $0.element.0 != $0.element.1 }
    Issue.record(
        """
        \(name) differs from line \(difference.map { String($0.offset + 1) } ?? "the end") on:
        - \(difference?.element.0 ?? "")
        + \(difference?.element.1 ?? "")
        """)
}
