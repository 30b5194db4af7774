import Foundation
package import SystemPackage

/// Held while a file is written, and while a process starts. A child has every open file of the tests until it has become
/// another program; if another test is writing a program at that moment, it cannot be run (execve(2), ETXTBSY).
let openFiles = NSLock()

/// A directory of one test, removed with its owner.
package final class ScratchDirectory: Sendable {
    package let path: FilePath

    package init() {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let name = "piflash-test-\(UUID().uuidString)"
        path = FilePath(base).appending(name)
        // A test without its directory cannot go on.
        try! FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    package subscript(_ name: String) -> FilePath { path.appending(name) }

    /// Writes `contents` to a file of the directory and returns its path.
    @discardableResult
    package func write(_ contents: [UInt8], to name: String) -> FilePath {
        let file = self[name]
        try! FileManager.default.createDirectory(
            atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
        // Never follow a link: what it leads to may be one of this machine's own programs.
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: file.string)) != nil {
            try! FileManager.default.removeItem(atPath: file.string)
        }
        // Not Data's own write, which waits until the bytes are on the disk: a test has no use for that.
        openFiles.withLock {
            let descriptor = try! FileDescriptor.open(
                file, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
            _ = try! descriptor.closeAfter { try descriptor.writeAll(contents) }
        }
        return file
    }

    @discardableResult
    package func write(_ text: String, to name: String) -> FilePath { write(Array(text.utf8), to: name) }

    /// Writes a program that can be run, in the place of whatever is there: a link to one of the machine's own programs is
    /// replaced, never written through.
    package func writeProgram(_ text: String, to name: String) {
        try? FileManager.default.removeItem(atPath: self[name].string)
        let file = write(text, to: name)
        try! FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.string)
    }

    package func read(_ name: String) -> [UInt8] {
        Array(try! Data(contentsOf: URL(fileURLWithPath: self[name].string)))
    }
}
