import CLinux
package import Diagnostics
package import SystemPackage

/// Bytes in a file in memory, for another process. It is closed with its owner.
package final class MemoryFile: Sendable {
    package let descriptor: FileDescriptor

    package init(_ bytes: [UInt8]) throws(Failure) {
        let raw = clinux_memory_file()
        guard raw >= 0 else { throw .system("making a file in memory", .current) }
        descriptor = FileDescriptor(rawValue: raw)
        do throws(Errno) { try descriptor.writeAll(bytes: bytes) } catch {
            throw .system("writing a file in memory", error)
        }
    }

    deinit { try? descriptor.close() }
}
