import Host
import SystemPackage

/// Files of /proc and /sys, whose size is unknown before they are read.
enum KernelFile {
    /// The contents of the file to its end; nil if any part cannot be read.
    ///
    /// A read of /proc returns as many records as fit, so a short read is not the end. Foundation's readers stop there,
    /// with 4 KiB of what may be hundreds of mounts.
    static func text(_ path: FilePath) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return nil }
        let contents = try? file.closeAfter {
            var contents: [UInt8] = []
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { buffer.deallocate() }
            while case let count = try file.readPart(into: buffer), count > 0 { contents += buffer[..<count] }
            return contents
        }
        return contents.map { String(decoding: $0, as: UTF8.self) }
    }
}
