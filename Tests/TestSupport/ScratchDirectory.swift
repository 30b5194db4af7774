import Foundation
public import SystemPackage

/// Held while a file is written, and while a process starts. A child has every open file of the tests until it has become
/// another program; one that another test was just writing could not be run as a program then (execve(2), ETXTBSY).
let openFiles = NSLock()

/// A directory of a test's own, removed with its owner.
public final class ScratchDirectory: Sendable {
    public let path: FilePath

    public init() {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let name = "piflash-test-\(UUID().uuidString)"
        path = FilePath(base).appending(name)
        // A test without its directory cannot go on.
        try! FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    public subscript(_ name: String) -> FilePath { path.appending(name) }

    /// Writes `contents` to a file of the directory and returns its path.
    @discardableResult
    public func write(_ contents: [UInt8], to name: String) -> FilePath {
        let file = self[name]
        try! FileManager.default.createDirectory(
            atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
        openFiles.withLock { try! Data(contents).write(to: URL(fileURLWithPath: file.string)) }
        return file
    }

    @discardableResult
    public func write(_ text: String, to name: String) -> FilePath { write(Array(text.utf8), to: name) }

    public func read(_ name: String) -> [UInt8] {
        Array(try! Data(contentsOf: URL(fileURLWithPath: self[name].string)))
    }
}
