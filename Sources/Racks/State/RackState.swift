import Crypto
package import Diagnostics
import Host
package import Recipes
package import SystemPackage

/// What piflash keeps about a rack: the directory `.piflash` beside its recipe, with mode 0700.
package struct RackState: Sendable {
    package let directory: FilePath

    /// The state of the rack whose recipe file is at `recipe` (an absolute path).
    package init(besideRecipe recipe: FilePath) {
        directory = recipe.removingLastComponent().appending(".piflash")
    }

    /// The state of the rack of `node`.
    package init(of node: Node) {
        self.init(besideRecipe: FilePath(node.recipePath))
    }

    /// The rack's random key for password salts. It is made when it is first needed, then kept: the same recipe always gives
    /// the same bytes, and without the key nobody can see from the hashes which passwords are equal.
    package func saltKey() throws(Failure) -> [UInt8] {
        let path = directory.appending("salt.key")
        if let known = try read(path) { return known }
        try DurableFile.makeDirectories(directory, mode: 0o700)
        try keep(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }, at: path)
        guard let made = try read(path) else { throw Failure(.system, "\(path) is gone", hint: "try again") }
        return made
    }

    /// Writes a file that is made once, mode 0600, unless there is one by then: of two runs at once, or of two cards of one
    /// run, the first wins, and the other reads its file.
    func keep(_ bytes: [UInt8], at path: FilePath) throws(Failure) {
        do { _ = try DurableFile.keep(path, with: bytes, mode: 0o600) } catch {
            throw Failure(
                .system, error.message, hint: "the rack's directory must be writable: its state is kept there",
                cause: error.cause)
        }
    }

    private func read(_ path: FilePath) throws(Failure) -> [UInt8]? {
        guard let bytes = try DurableFile.read(path, limit: 1 << 20, kind: .regular) else { return nil }
        guard bytes.count == 32 else {
            throw Failure(
                .system, "\(path) is damaged: \(bytes.count) bytes instead of 32",
                hint: "delete it; password hashes then get new salts")
        }
        return bytes
    }
}
