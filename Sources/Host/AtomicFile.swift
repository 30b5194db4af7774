package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension InvokingUser {
    /// Replaces the file at `path` as a whole: readers see the old contents or the new, also after a crash.
    package func replaceFile(_ path: FilePath, with contents: [UInt8], mode: UInt16 = 0o644) throws(Failure) {
        // A name that no other thread or process has, and nobody can have put a link at.
        let temporary = FilePath("\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp")
        do {
            let file = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: mode_t(mode)))
            do {
                try file.writeAll(contents)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
                try file.close()
            } catch {
                try? file.close()
                throw error
            }
            try own(temporary)
            let renamed = temporary.withPlatformString { from in path.withPlatformString { rename(from, $0) } }
            guard renamed == 0 else { throw Errno(rawValue: errno) }
        } catch {
            _ = temporary.withPlatformString { unlink($0) }
            let reason = (error as? Errno)?.description.lowercased() ?? "\(error)"
            throw Failure(.system, "writing \(path): \(reason)")
        }
    }
}
