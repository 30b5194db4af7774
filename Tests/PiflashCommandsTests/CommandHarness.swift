import Diagnostics
import Foundation
import Host
import PiflashCommands
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Runs command lines in a world of their own: a scratch directory as home and working directory, captured output.
final class CommandHarness: Sendable {
    let scratch = ScratchDirectory()
    private let outputText = Mutex("")
    private let errorText = Mutex("")

    /// The program ignores SIGPIPE, too (`Interruption`): an ssh that ends before it has read its script must not end it.
    init() { signal(SIGPIPE, SIG_IGN) }

    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The time every command sees, seconds since 1970.
    static let now: Int64 = 1_770_000_000

    func run(_ arguments: String..., environment: [String: String] = [:], answers: [String] = []) async -> Outcome {
        await run(list: arguments, environment: environment, answers: answers)
    }

    func run(
        list arguments: [String], environment: [String: String] = [:], answers: [String] = [],
        user: InvokingUser? = nil, outputIsTerminal: Bool = false,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) async -> Outcome {
        outputText.withLock { $0 = "" }
        errorText.withLock { $0 = "" }
        let remaining = Answers(answers)
        let console = Console(
            output: { text in self.outputText.withLock { $0 += text } },
            error: { text in self.errorText.withLock { $0 += text } },
            readLine: { _ in remaining.next() }, inputIsTerminal: !answers.isEmpty, outputIsTerminal: outputIsTerminal)
        let context = CommandContext(
            environment: [
                "HOME": scratch.path.string, "XDG_CACHE_HOME": scratch["cache"].string, "PI_PASSWORD": "black pearl",
                "WIFI": "correct horse battery",
            ].merging(environment) { $1 },
            workingDirectory: scratch.path,
            user: user ?? InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path), console: console,
            now: { Self.now }, isCancelled: isCancelled)
        let status = await PiflashCommand.run(arguments, in: context)
        let outcome = Outcome(status: status, output: outputText.withLock { $0 }, errors: errorText.withLock { $0 })
        // Results that programs read are as they are; all other text steers no terminal, whatever is in it.
        let isData =
            arguments.first == "run" && !outputIsTerminal || arguments.contains("--raw") || arguments.contains("-")
        for text in (isData ? [] : [outcome.output]) + (arguments.contains("--raw") ? [] : [outcome.errors]) {
            let bad = text.unicodeScalars.filter {
                $0.value < 0x20 && $0 != "\n" && $0 != "\t" || (0x7F...0x9F).contains($0.value)
                    || (0x202A...0x202E).contains($0.value) || (0x2066...0x2069).contains($0.value)
            }
            if !bad.isEmpty { Issue.record("\(arguments) prints \(bad.map { String($0.value, radix: 16) })") }
        }
        return outcome
    }

    private final class Answers: Sendable {
        private let rest: Mutex<[String]>
        init(_ answers: [String]) { rest = Mutex(answers) }
        func next() -> String? { rest.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    }

    /// A loop device over an empty file of the scratch directory.
    func loopDevice(bytes: Int64) throws -> LoopDevice {
        let file = try FileDescriptor.open(
            scratch["loop.bin"], .readWrite, options: [.create], permissions: [.ownerReadWrite])
        try file.closeAfter { try file.resize(to: bytes) }
        return try LoopDevice(over: scratch["loop.bin"])
    }

    /// A zipped sample image and a recipe for it that uses most of what a recipe can say.
    func prepare(_ image: SampleImage = .hypriot, recipe: String = CommandHarness.recipe) throws {
        try image.make(at: scratch["sample.img"])
        try image.makeZip(at: scratch["sample.img.zip"])
        scratch.write(recipe, to: "red01.yaml")
    }

    static let token = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"
    static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeTkYTxRC13NwRkUmqUfoEDjIWbiMNZTpCkDYq7Yg6L me@host"

    /// What each system takes: Docker of 2015 knows neither overlay2 nor a swarm's join token.
    static func recipe(for image: SampleImage) -> String {
        guard image == .hypriot2015 else { return recipe }
        return recipe.replacing("overlay2", with: "overlay").replacing(/swarm: .*/, with: "")
    }

    static let recipe = """
        image: { source: sample.img.zip }
        hostname: red01
        user:
          name: pirate
          password: !env PI_PASSWORD
          ssh_authorized_keys: ["\(key)"]
          groups: [docker]
        wifi: { country: DE, networks: [{ ssid: "Café 2", passphrase: !env WIFI, hidden: true }] }
        docker: { daemon: { storage-driver: overlay2, labels: [arch=armv7] } }
        swarm: { managers: [192.168.50.2], role: worker, token: "\(token)" }
        """
}
