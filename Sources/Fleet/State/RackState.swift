import Crypto
public import Diagnostics
public import Host
public import SystemPackage

/// What piflash keeps of a rack: the directory `.piflash` beside its recipe, mode 0700, the invoking user's.
public struct RackState: Sendable {
    public let directory: FilePath
    let user: InvokingUser

    /// The state of the rack whose recipe file is at `recipe` (an absolute path).
    public init(besideRecipe recipe: FilePath, user: InvokingUser) {
        directory = recipe.removingLastComponent().appending(".piflash")
        self.user = user
    }

    /// The rack's own random key for password salts: made at the first need, then kept, so that the same recipe gives
    /// the same bytes while nobody without the key can tell equal passwords from the hashes.
    public func saltKey() throws(Failure) -> [UInt8] {
        let path = directory.appending("salt.key")
        if let known = try read(path) { return known }
        try user.makeDirectories(directory, mode: 0o700)
        let made = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        // Two first runs at once: the one that loses takes the winner's key.
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite])
            try file.closeAfter { _ = try file.writeAll(made) }
            try user.own(path)
            return made
        } catch {
            if let known = try read(path) { return known }
            throw Failure(
                .system, "writing \(path): \((error as? Errno)?.description.lowercased() ?? "\(error)")",
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
