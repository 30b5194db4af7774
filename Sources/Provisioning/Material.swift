import Text
import Systems
import Diagnostics
import Recipes

/// A node's secrets in the form in which they go on a card: hashed, derived, checked.
struct Material: Sendable {
    struct AccessPoint: Hashable, Sendable {
        let ssid: String
        /// The derived key, 64 hex digits; nil for an open network.
        let key: String?
        let hidden: Bool
    }

    /// What the swarm's first manager deploys.
    struct Stack: Hashable, Sendable {
        let name: String
        let contents: [UInt8]
    }

    private(set) var passwordHash: String?
    private(set) var authorizedKeys: [String] = []
    private(set) var accessPoints: [AccessPoint] = []
    private(set) var joinToken: String?
    private(set) var stacks: [Stack] = []
    private(set) var files: [Provision.NodeFile] = []
    private(set) var hasPlaceholders = false
    /// Texts that are shown only masked.
    private(set) var sensitive: Set<String> = []

    /// A password that nobody knows, for accounts that must have one: the same every time for the same node.
    let unguessable: String

    private let secrets: any SecretReading

    /// Reads and converts every secret of `node`. What is wrong with a value is reported at its place in the recipe, never
    /// with the value.
    init(
        _ node: Node, profile: OSProfile, saltKey: [UInt8], keys: RackKeys, secrets: any SecretReading,
        report: inout DiagnosticReport
    ) async throws {
        self.secrets = secrets
        unguessable = digest(
            of: [Array("piflash unguessable".utf8), saltKey, Array(node.hostname.value.utf8)], digits: 32)
        sensitive.insert(unguessable)
        if let user = node.user {
            try await readUser(user, host: node.hostname.value, profile: profile, saltKey: saltKey, report: &report)
        }
        for network in node.wifi?.networks ?? [] { try await readNetwork(network, report: &report) }
        if let token = node.swarm?.token { try await readToken(token, report: &report) }
        if let swarm = node.swarm, swarm.isFormed {
            hasPlaceholders = hasPlaceholders || keys.arePlaceholders
            sensitive.formUnion([keys.host, keys.worker, keys.manager].map(\.privateKey))
            for stack in swarm.stacks { try await readStack(stack) }
        }
        for file in node.firstBoot.files { try await readFile(file, report: &report) }
    }

    private mutating func read(_ secret: Secret) async throws -> SecretValue {
        let value = try await secrets.read(secret)
        if case .placeholder = value { hasPlaceholders = true }
        return value
    }

    private mutating func readUser(
        _ user: Node.User, host: String, profile: OSProfile, saltKey: [UInt8], report: inout DiagnosticReport
    ) async throws {
        if let secret = user.password {
            switch try await read(secret) {
            case .placeholder(let text): passwordHash = text
            case .value(let password):
                if let scheme = PasswordHash.scheme(of: password) {
                    passwordHash = password
                    // glibc's own crypt, up to buster, knows no others: nobody could log in.
                    if profile.flavour == .hypriotCloudInit, !["1", "5", "6"].contains(scheme) {
                        report.error(
                            at: secret.location,
                            "user.password: \(profile.flavour.title) cannot check a $\(scheme)$ hash; give a $6$ hash")
                    }
                } else if password.isEmpty || password.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
                    report.error(at: secret.location, "user.password: is empty or holds a control character")
                } else if password.utf8.count > 511 {
                    // CRYPT_MAX_PASSPHRASE_SIZE of libcrypt, with the final zero.
                    report.error(at: secret.location, "user.password: longer than 511 bytes")
                } else {
                    passwordHash = try PasswordHash.sha512crypt(
                        password, key: saltKey, host: host, user: user.name.value)
                }
                sensitive.formUnion([passwordHash].compactMap { $0 })
            }
        }
        for secret in user.sshAuthorizedKeys {
            switch try await read(secret) {
            case .placeholder(let text): authorizedKeys.append(text)
            case .value(let text):
                let keys = AuthorizedKey.lines(of: text)
                if keys.isEmpty || !keys.allSatisfy(AuthorizedKey.isPublicKey) {
                    report.error(
                        at: secret.location,
                        text.contains("PRIVATE KEY")
                            ? "user.ssh_authorized_keys: a private key; give the public one (.pub)"
                            : "user.ssh_authorized_keys: no OpenSSH public key (\"ssh-ed25519 AAAA… comment\")")
                } else {
                    authorizedKeys += keys.filter { !authorizedKeys.contains($0) }
                }
            }
        }
    }

    private mutating func readNetwork(_ network: Node.WiFiNetwork, report: inout DiagnosticReport) async throws {
        let ssid = network.ssid.value
        if !(1...32).contains(ssid.utf8.count) || ssid.utf8.contains(0) {
            report.error(
                at: network.ssid.location,
                "wifi.networks: the name \"\(ssid)\" has \(ssid.utf8.count) bytes in UTF-8; 1 to 32 are possible")
        } else if accessPoints.contains(where: { $0.ssid == ssid }) {
            report.error(at: network.ssid.location, "wifi.networks: \"\(ssid)\" is named twice")
        }
        var key: String?
        if let secret = network.passphrase {
            switch try await read(secret) {
            case .placeholder(let text): key = text
            case .value(let text):
                if WiFiKey.isReady(text) {
                    key = text.lowercased()
                } else if !(8...63).contains(text.utf8.count) || text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
                {
                    report.error(
                        at: secret.location,
                        "wifi.networks: the passphrase of \"\(ssid)\" must have 8 to 63 bytes, or be a key of 64 hex digits"
                    )
                } else {
                    key = try WiFiKey.derive(passphrase: text, ssid: ssid)
                }
                sensitive.formUnion([key].compactMap { $0 })
            }
        }
        accessPoints.append(AccessPoint(ssid: ssid, key: key, hidden: network.hidden))
    }

    private mutating func readToken(_ secret: Secret, report: inout DiagnosticReport) async throws {
        switch try await read(secret) {
        case .placeholder(let text): joinToken = text
        case .value(let text):
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count >= 4, parts[0] == "SWMTKN", text.utf8.count <= 200,
                parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } })
            else {
                return report.error(
                    at: secret.location,
                    "swarm.token: no join token (\"SWMTKN-1-…\"); `docker swarm join-token worker` prints one")
            }
            joinToken = text
            sensitive.insert(text)
        }
    }

    /// A compose file is read as a secret is: from the workstation, once, and not for `check` or `render`.
    private mutating func readStack(_ stack: Node.Swarm.Stack) async throws {
        let text =
            switch try await read(Secret(.file(stack.compose.value), at: stack.compose.location)) {
            case .placeholder(let text), .value(let text): text
            }
        stacks.append(Stack(name: stack.name.value, contents: Array((text + "\n").utf8)))
    }

    private mutating func readFile(_ file: Node.FirstBoot.File, report: inout DiagnosticReport) async throws {
        let text: String
        var isSecret = false
        switch try await read(file.content) {
        case .placeholder(let placeholder): text = placeholder
        case .value(let value):
            text = value
            // What is written out in the recipe is shown as it is shown there.
            if case .literal = file.content.source { isSecret = false } else { isSecret = true }
        }
        // A text of three characters masks half of the rest and hides nothing.
        let masked: Set<String> = isSecret && text.utf8.count > 3 ? [text] : []
        sensitive.formUnion(masked)
        if files.contains(where: { $0.path == file.path.value }) {
            report.error(at: file.path.location, "first_boot.files: \(file.path.value) is written twice")
        }
        files.append(
            Provision.NodeFile(
                path: file.path.value, contents: Array(text.utf8), mode: file.mode, sensitive: masked))
    }
}
