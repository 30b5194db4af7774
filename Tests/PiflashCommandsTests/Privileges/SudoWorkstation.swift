import Foundation
import SystemPackage
import TestSupport

#if canImport(Glibc)
    import Glibc
#endif

/// A user's directory, and piflash there as sudo starts it: as root, with the user's number in the environment.
///
/// The user has no account, as with a directory service that does not answer.
struct SudoWorkstation {
    static let user: UInt32 = 54321
    /// The user's.
    let home = ScratchDirectory()
    /// Root's: nobody else may look into it.
    let vault = ScratchDirectory()

    static let canary = "only root may read this\n"

    /// - Parameter password: The recipe's value for `user.password`.
    init(password: String = "!env PI_PASSWORD") throws {
        try SampleImage.hypriot.make(at: home["sample.img"])
        home.write(Self.recipe(password: password), to: "red/red01.yaml")
        for name in ["key", "conf.d/one"] { vault.write(Self.canary, to: name) }
        try sh("chmod 700 \(vault.path) && chmod 600 \(vault["key"])", at: vault.path)
        try giveHome()
    }

    static func recipe(password: String) -> String {
        """
        image: { source: ../sample.img }
        hostname: red01
        user: { name: pirate, password: \(password) }
        docker: { remote: tls }
        """
    }

    /// Makes all that is in the home the user's, links themselves too.
    func giveHome() throws {
        try sh("chown -hR \(Self.user):\(Self.user) .", at: home.path)
    }

    /// Everything in the vault, with owners, modes, sizes, times of change and contents.
    func canaries() throws -> String {
        try OutsideTool("sh").run([
            "-c", "cd \"$0\" && find . -printf '%p %u %g %m %s %C@ %l\\n' | sort; find . -type f -exec cat {} +",
            vault.path.string,
        ]).text
    }

    func sh(_ line: String, at directory: FilePath) throws {
        let result = try OutsideTool("sh").run(["-c", "cd \"$0\" && \(line)", directory.string])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(line): \(result.errors)") }
    }

    var environment: [String: String] {
        [
            "HOME": "/root", "USER": "root", "LOGNAME": "root", "SUDO_UID": "\(Self.user)",
            "SUDO_GID": "\(Self.user)", "SUDO_USER": "mate", "XDG_CACHE_HOME": home["cache"].string,
            "PI_PASSWORD": "black pearl",
        ]
    }

    /// Runs piflash as `sudo piflash …` does, in the user's directory.
    func sudo(
        _ arguments: [String], environment more: [String: String] = [:], before: [String] = []
    ) throws -> OutsideTool.Result {
        try OutsideTool("sh").run(
            ["-c", "cd \"$0\" && exec \"$@\"", home.path.string] + before + [BuiltProgram.path().string] + arguments,
            environment: environment.merging(more) { $1 })
    }

    /// A loop device over a file of the user's.
    func card(_ name: String = "card.bin") throws -> LoopDevice {
        let file = home[name]
        try sh("truncate -s 160M '\(name)' && chown \(Self.user):\(Self.user) '\(name)'", at: home.path)
        return try LoopDevice(over: file)
    }

    func owners() throws -> Set<String> {
        Set(
            try OutsideTool("find").run([home.path.string, "-printf", "%U:%G\\n"]).text
                .split(separator: "\n").map(String.init))
    }
}
