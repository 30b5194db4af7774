import Crypto
package import Diagnostics
package import Host
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// What piflash keeps of a rack: the directory `.piflash` beside its recipe, mode 0700, the invoking user's.
package struct RackState: Sendable {
    package let directory: FilePath
    let user: InvokingUser

    /// The state of the rack whose recipe file is at `recipe` (an absolute path).
    package init(besideRecipe recipe: FilePath, user: InvokingUser) {
        directory = recipe.removingLastComponent().appending(".piflash")
        self.user = user
    }

    /// The rack's own random key for password salts: made at the first need, then kept, so that the same recipe gives
    /// the same bytes while nobody without the key can tell equal passwords from the hashes.
    package func saltKey() throws(Failure) -> [UInt8] {
        let path = directory.appending("salt.key")
        if let known = try read(path) { return known }
        try user.makeDirectories(directory, mode: 0o700)
        try keep(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }, at: path)
        guard let made = try read(path) else { throw Failure(.system, "\(path) is gone", hint: "try again") }
        return made
    }

    /// Writes a file that is made once, mode 0600, unless there is one by then.
    ///
    /// Two first needs at once, of two runs or of two cards of one: a link is made only where there is none, and whole, so
    /// the one that loses finds the winner's file.
    func keep(_ bytes: [UInt8], at path: FilePath) throws(Failure) {
        let draft = FilePath("\(path).\(UInt64.random(in: .min ... .max)).new")
        try user.replaceFile(draft, with: bytes, mode: 0o600)
        let code = draft.withPlatformString { from in path.withPlatformString { link(from, $0) } == 0 ? 0 : errno }
        _ = draft.withPlatformString { unlink($0) }
        guard code == 0 || code == EEXIST else {
            throw Failure(
                .system, "writing \(path): \(Errno(rawValue: code).description.lowercased())",
                hint: "the rack's directory must be writable: its state is kept there")
        }
    }

    private func read(_ path: FilePath) throws(Failure) -> [UInt8]? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            let bytes = try file.closeAfter {
                try [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
            guard bytes.count == 32 else {
                throw Failure(
                    .system, "\(path) is damaged: \(bytes.count) bytes instead of 32",
                    hint: "delete it; password hashes then get new salts")
            }
            return bytes
        } catch let failure as Failure {
            throw failure
        } catch {
            if error as? Errno == .noSuchFileOrDirectory { return nil }
            throw Failure(.system, "reading \(path): \((error as? Errno)?.description.lowercased() ?? "\(error)")")
        }
    }
}
