package import Diagnostics
package import SystemPackage

/// Reads files as a whole.
package enum FileContents {
    /// The contents of the file at `path`; nil when there is none.
    package static func read(_ path: FilePath) throws(Failure) -> [UInt8]? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            return try file.closeAfter {
                let size = Int(try path.stat().size)
                var contents = [UInt8](repeating: 0, count: size)
                var done = 0
                while done < size {
                    let got = try contents.withUnsafeMutableBytes {
                        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[done...]))
                    }
                    if got == 0 { break }
                    done += got
                }
                contents.removeLast(size - done)
                return contents
            }
        } catch {
            if error as? Errno == .noSuchFileOrDirectory { return nil }
            throw Failure(.system, "reading \(path): \((error as? Errno)?.description.lowercased() ?? "\(error)")")
        }
    }
}
