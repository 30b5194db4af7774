import Foundation
import Synchronization
public import SystemPackage

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
        try! Data(contents).write(to: URL(fileURLWithPath: file.string))
        return file
    }

    @discardableResult
    public func write(_ text: String, to name: String) -> FilePath { write(Array(text.utf8), to: name) }

    /// Writes a program that can be run. No process is made meanwhile: it would have the file open to be written until it
    /// is another program, and the kernel runs no file that is ("Text file busy").
    public func writeProgram(_ text: String, to name: String) {
        OutsideTool.spawning.withLock { _ in
            let file = write(text, to: name)
            try! FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.string)
        }
    }

    public func read(_ name: String) -> [UInt8] {
        Array(try! Data(contentsOf: URL(fileURLWithPath: self[name].string)))
    }
}
