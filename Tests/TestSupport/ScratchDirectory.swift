import Foundation
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
        // Never follow a link: what it leads to may be one of this machine's own programs.
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: file.string)) != nil {
            try! FileManager.default.removeItem(atPath: file.string)
        }
        try! Data(contents).write(to: URL(fileURLWithPath: file.string))
        return file
    }

    @discardableResult
    public func write(_ text: String, to name: String) -> FilePath { write(Array(text.utf8), to: name) }

    public func read(_ name: String) -> [UInt8] {
        Array(try! Data(contentsOf: URL(fileURLWithPath: self[name].string)))
    }
}
