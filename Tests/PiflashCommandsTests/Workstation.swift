import Foundation
import SystemPackage
import TestSupport

/// A rack's directory, and piflash as a separate process there, which strace(1) watches and disturbs.
struct Workstation {
    let scratch: ScratchDirectory

    static let password = "black pearl"
    static let passphrase = "correct horse battery"
    static let proxyPassword = "pr0xy-pass"
    static let stackPassword = "st4ck-pass"
    static let fileSecret = "a secret of the vault"

    /// A node that has every kind of secret; `image` is the path of its image.
    static func recipe(image: String) -> String {
        """
        image: { source: "\(image)" }
        hostname: red01
        address: 192.168.50.10/24
        network: { interface: wifi }
        user: { name: pirate, password: !env PI_PASSWORD, ssh_authorized_keys: ["\(CommandHarness.key)"] }
        wifi: { country: DE, networks: [{ ssid: "Café 2", passphrase: !env WIFI, hidden: true }] }
        docker: { remote: tls, proxy: { http: "http://me:\(proxyPassword)@10.0.0.3:8000" } }
        swarm: { managers: [red01], stacks: [{ name: web, compose: stack.yml }] }
        first_boot: { files: [{ path: /etc/key.pem, content: !file vault, mode: "0600" }] }
        """
    }

    /// A node that a mounted boot partition is enough for.
    static let bootRecipe = """
        image: { source: sample.img.zip }
        hostname: blue01
        user: { name: pirate, password: !env PI_PASSWORD, ssh_authorized_keys: ["\(CommandHarness.key)"] }
        swarm: { managers: [192.168.50.2], role: worker, token: "\(CommandHarness.token)" }
        """

    /// The directory with recipes and a packed image; nothing was written yet.
    init() throws {
        scratch = ScratchDirectory()
        try SampleImage.hypriot.make(at: scratch["sample.img"])
        try sh("zip -q -1 sample.img.zip sample.img && mkdir boot && mcopy -s -n -i sample.img@@4M '::*' boot")
        scratch.write(Self.recipe(image: scratch["sample.img.zip"].string), to: "red/red01.yaml")
        scratch.write(
            "version: '3.7'\nservices: { db: { image: postgres, environment: { PASSWORD: \(Self.stackPassword) } } }\n",
            to: "red/stack.yml")
        scratch.write(Self.fileSecret, to: "red/vault")
        scratch.write(Self.bootRecipe, to: "blue/blue01.yaml")
    }

    /// The same without the image, which recipes go on naming where it is.
    init(copying other: Workstation) throws {
        scratch = ScratchDirectory()
        let copied = try OutsideTool("sh").run([
            "-c", "cd \"$0\" && tar --sparse --exclude=./sample.img* -cf - . | tar -C \"$1\" -xpf -",
            other.scratch.path.string, scratch.path.string,
        ])
        guard copied.succeeded else { throw OutsideTool.Missing(description: copied.errors) }
    }

    func sh(_ line: String) throws {
        let result = try OutsideTool("sh").run(
            ["-c", "cd \"$0\" && \(line)", scratch.path.string],
            environment: ["MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(line): \(result.errors)") }
    }

    private var environment: [String: String] {
        [
            "HOME": scratch.path.string, "XDG_CACHE_HOME": scratch["cache"].string, "WIFI": Self.passphrase,
            "PI_PASSWORD": Self.password,
        ]
    }

    /// Runs piflash and notes its system calls.
    ///
    /// - Parameter injections: for strace's `inject=`, such as "fsync:error=EIO:when=2".
    func traced(
        _ arguments: [String], environment more: [String: String] = [:], injections: [String] = [], paths: [String] = []
    ) throws -> SystemCalls {
        try SystemCalls(
            of: BuiltProgram.path(), arguments, in: scratch.path,
            environment: environment.merging(more) { $1 }, injections: injections, paths: paths)
    }

    /// Runs piflash undisturbed.
    func run(_ arguments: [String], environment more: [String: String] = [:]) throws -> OutsideTool.Result {
        try OutsideTool("sh").run(
            [
                "-c", "cd \"$1\" && unset SUDO_UID SUDO_GID && shift && exec \"$@\"", "sh", scratch.path.string,
                BuiltProgram.path().string,
            ] + arguments, environment: environment.merging(more) { $1 })
    }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: scratch[name].string) }

    /// The paths of all files, as they are below the directory.
    func files() throws -> [String] {
        try OutsideTool("find").run([scratch.path.string, "-type", "f", "-printf", "%P\\n"]).text
            .split(separator: "\n").map(String.init).sorted()
    }

    /// Files that only a run that was cut short may leave.
    func leftovers() throws -> [String] {
        try files().filter {
            $0.hasSuffix(".tmp") || $0.hasSuffix(".new") || $0.hasSuffix(".part") || $0.hasSuffix("-part")
                || $0.hasSuffix("-unfinished")
        }
    }
}
