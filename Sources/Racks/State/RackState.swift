import Crypto
package import Diagnostics
package import Host
package import Recipes
package import SystemPackage

/// What piflash keeps about a rack: the directory `.piflash` beside its recipe, with mode 0700, owned by the invoking user.
package struct RackState: Sendable {
    package let directory: FilePath
    let user: InvokingUser

    /// The state of the rack whose recipe file is at `recipe` (an absolute path).
    package init(besideRecipe recipe: FilePath, user: InvokingUser) {
        directory = recipe.removingLastComponent().appending(".piflash")
        self.user = user
    }

    /// The state of the rack of `node`.
    package init(of node: Node, user: InvokingUser) {
        self.init(besideRecipe: FilePath(node.recipePath), user: user)
    }

    /// The rack's random key for password salts. It is made when it is first needed, then kept: the same recipe always gives
    /// the same bytes, and without the key nobody can see from the hashes which passwords are equal.
    package func saltKey() throws(Failure) -> [UInt8] {
        try secret(at: directory.appending("salt.key"), hint: "delete it; password hashes then get new salts")
    }

    /// The 32 random bytes in a file of the rack's, which is made if there is none.
    func secret(at path: FilePath, hint: String) throws(Failure) -> [UInt8] {
        if let known = try read(path, hint: hint) { return known }
        try user.makeDirectories(directory, mode: 0o700)
        try user.makeDirectories(path.removingLastComponent(), mode: 0o700)
        try keep(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }, at: path)
        guard let made = try read(path, hint: hint) else {
            throw Failure(.system, "\(path) is gone", hint: "try again")
        }
        return made
    }

    /// Writes a file that is made once, mode 0600, unless there is one by then: of two runs at once, or of two cards of one
    /// run, the first wins, and the other reads its file.
    func keep(_ bytes: [UInt8], at path: FilePath) throws(Failure) {
        do { _ = try user.keepFile(path, with: bytes, mode: 0o600) } catch {
            throw Failure(
                .system, error.message, hint: "the rack's directory must be writable: its state is kept there",
                cause: error.cause)
        }
    }

    private func read(_ path: FilePath, hint: String) throws(Failure) -> [UInt8]? {
        guard let bytes = try DurableFile.read(path, limit: 1 << 20, kind: .regular) else { return nil }
        guard bytes.count == 32 else {
            throw Failure(
                .system, "\(path) is damaged: \(bytes.count) bytes instead of 32",
                hint: hint)
        }
        return bytes
    }
}
