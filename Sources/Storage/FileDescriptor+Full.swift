import Host
import CLinux
import Diagnostics
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension FileDescriptor {
    /// Reads until `buffer` is full; an early end is an error, since a block store has a fixed size.
    func readFully(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, name: String) throws(Failure) {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count: Int
            do throws(Errno) { count = try readPart(into: rest, at: offset + Int64(done)) } catch {
                throw .system("reading \(name) at \(offset + Int64(done))", error)
            }
            guard count > 0 else {
                throw Failure(
                    .system, "reading \(name) at \(offset + Int64(done)): it ended before its size",
                    hint: "if this is a card, it was removed or its reader failed")
            }
            done += count
        }
    }

    func writeFully(_ bytes: UnsafeRawBufferPointer, at offset: Int64, name: String) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count: Int
            do throws(Errno) { count = try writePart(rest, at: offset + Int64(done)) } catch {
                throw .system("writing \(name) at \(offset + Int64(done))", error)
            }
            guard count > 0 else {
                throw Failure(.system, "writing \(name) at \(offset + Int64(done)): the device took no bytes")
            }
            done += count
        }
    }

    func synchronize(name: String) throws(Failure) {
        do throws(Errno) { try synchronize() } catch { throw .system("flushing \(name)", error) }
    }
}
