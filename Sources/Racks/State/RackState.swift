import Crypto
package import Diagnostics
import Host
package import Recipes
package import SystemPackage

/// What piflash keeps about a rack: the directory `.piflash` beside its recipe, a ``PrivateDirectory``.
///
/// It holds the rack's keys, and recipes are often kept in git: a `.gitignore` in it keeps git from all of it.
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
        let hint = "delete it; password hashes then get new salts"
        if let directory = try opened(), let known = try secret("salt.key", in: directory, hint: hint) { return known }
        return try makeSecret("salt.key", in: try made(), hint: hint)
    }

    /// The 32 random bytes in a file of the rack's; nil if they are not made yet.
    ///
    /// - Parameter hint: What to do if the file is damaged.
    func secret(_ name: String, in directory: PrivateDirectory, hint: String) throws(Failure) -> [UInt8]? {
        guard let bytes = try directory.read(name, isKey: true) else { return nil }
        guard bytes.count == 32 else {
            throw Failure(
                .system, "\(directory.path.appending(name)) is damaged: \(bytes.count) bytes instead of 32", hint: hint)
        }
        return bytes
    }

    /// Makes such a file, unless another run has made it by now, and returns what is in it.
    func makeSecret(_ name: String, in directory: PrivateDirectory, hint: String) throws(Failure) -> [UInt8] {
        try keep(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }, as: name, in: directory)
        guard let made = try secret(name, in: directory, hint: hint) else {
            throw Failure(.system, "\(directory.path.appending(name)) is gone", hint: "try again")
        }
        return made
    }

    // MARK: The directory

    /// The open directory; nil if nothing was kept yet.
    func opened() throws(Failure) -> PrivateDirectory? { try PrivateDirectory.open(directory) }

    /// The open directory, which is made if it is missing.
    func made() throws(Failure) -> PrivateDirectory {
        try writing { () throws(Failure) in
            let made = try PrivateDirectory.make(directory)
            if made.status(of: ".gitignore") == nil { _ = try made.keep(".gitignore", with: Array("*\n".utf8)) }
            return made
        }
    }

    /// Writes a file that is made once, unless there is one by then: of two runs at once, or of two cards of one run, the
    /// first wins, and the other reads its file.
    func keep(_ bytes: [UInt8], as name: String, in directory: PrivateDirectory) throws(Failure) {
        _ = try writing { () throws(Failure) in try directory.keep(name, with: bytes) }
    }

    /// Runs `body`, which writes to the directory; its failure says what that needs.
    func writing<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        do throws(Failure) { return try body() } catch {
            throw Failure(
                error.code, severity: error.severity, error.message,
                hint: error.hint ?? "the rack's directory must be writable: its state is kept there",
                cause: error.cause)
        }
    }
}
