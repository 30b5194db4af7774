import Diagnostics
import Recipes
import Stacks
import Systems
import Text

/// A node's secrets in the form in which they go on a card: hashed and derived.
struct Material: Sendable {
    struct AccessPoint: Hashable, Sendable {
        let ssid: String
        /// The derived key, 64 hex digits; nil for an open network.
        let key: String?
        let hidden: Bool
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

    /// Whether sshd accepts passwords.
    let allowsPasswordLogin: Bool

    /// A password that nobody knows, for accounts that must have one: the same every time for the same node.
    let unguessable: String

    private let secrets: any SecretReading

    /// Reads and converts every secret of `node`. A value that breaks the rule of its key is reported at its place in the
    /// recipe, never with the value; the rule is the one for values that are written out.
    ///
    /// - Parameters:
    ///   - root: the image's root partition, if it was read: it says which hashes the system can check.
    ///   - stacks: the stacks of the node's swarm, as they were read.
    init(
        _ node: Node, profile: OSProfile, root: RootSnapshot?, saltKey: [UInt8], keys: RackKeys,
        stacks: [StackSource] = [], secrets: any SecretReading, report: inout DiagnosticReport
    ) async throws {
        self.secrets = secrets
        allowsPasswordLogin = node.user?.logsInByPassword ?? false
        unguessable = digest(
            of: [Array("piflash unguessable".utf8), saltKey, Array(node.hostname.value.utf8)], digits: 32)
        sensitive.insert(unguessable)
        if let user = node.user {
            try await readUser(
                user, host: node.hostname.value, profile: profile, root: root, saltKey: saltKey, report: &report)
        }
        for proxy in [node.network.proxy, node.docker.proxy] {
            sensitive.formUnion(proxy?.sensitive ?? [])
            hasPlaceholders = hasPlaceholders || proxy?.isUnread == true
        }
        for network in node.wifi?.networks ?? [] { try await readNetwork(network, report: &report) }
        if let token = node.swarm?.token { try await readToken(token, report: &report) }
        if let swarm = node.swarm, swarm.isFormed {
            hasPlaceholders = hasPlaceholders || keys.arePlaceholders
            sensitive.formUnion(keys.privateKeys)
            for stack in stacks { try await readStack(stack, report: &report) }
        }
        for file in node.firstBoot.files { try await readFile(file, report: &report) }
    }

    /// The value of `secret`, or a placeholder; nil, and reported, if the value breaks the rule of its key.
    private mutating func read(_ secret: Secret, report: inout DiagnosticReport) async throws -> SecretValue? {
        let value: SecretValue
        do throws(DiagnosticReport) { value = try await secrets.read(secret) } catch {
            report.merge(error)
            return nil
        }
        switch value {
        case .placeholder: hasPlaceholders = true
        case .value(let text):
            if let problem = secret.problem(with: text) {
                report.error(at: secret.location, problem)
                return nil
            }
        }
        return value
    }

    private mutating func readUser(
        _ user: Node.User, host: String, profile: OSProfile, root: RootSnapshot?, saltKey: [UInt8],
        report: inout DiagnosticReport
    ) async throws {
        if let secret = user.password {
            switch try await read(secret, report: &report) {
            case nil: break
            case .placeholder(let text): passwordHash = text
            case .value(let password):
                if let scheme = CryptHash.scheme(of: password) {
                    passwordHash = password
                    if !PasswordSchemes.isKnown(scheme, profile, root: root) {
                        report.error(
                            at: secret.location,
                            "user.password: \(profile.flavour.title) cannot check a $\(scheme)$ hash; give a $6$ hash")
                    }
                } else {
                    passwordHash = try PasswordHash.hash(
                        password, as: PasswordSchemes.best(profile, root: root), key: saltKey, host: host,
                        user: user.name.value)
                }
                sensitive.formUnion([passwordHash].compactMap { $0 })
            }
        }
        for secret in user.sshAuthorizedKeys {
            switch try await read(secret, report: &report) {
            case nil: break
            case .placeholder(let text): authorizedKeys.append(text)
            case .value(let text):
                authorizedKeys += AuthorizedKeys.lines(of: text).filter { !authorizedKeys.contains($0) }
            }
        }
    }

    private mutating func readNetwork(_ network: Node.WiFiNetwork, report: inout DiagnosticReport) async throws {
        let ssid = network.ssid.value
        var key: String?
        if let secret = network.passphrase {
            switch try await read(secret, report: &report) {
            case nil: break
            case .placeholder(let text): key = text
            case .value(let text):
                key = WiFiKey.isReady(text) ? text.lowercased() : try WiFiKey.derive(passphrase: text, ssid: ssid)
                sensitive.formUnion([key].compactMap { $0 })
            }
        }
        accessPoints.append(AccessPoint(ssid: ssid, key: key, hidden: network.hidden))
    }

    private mutating func readToken(_ secret: Secret, report: inout DiagnosticReport) async throws {
        switch try await read(secret, report: &report) {
        case nil: break
        case .placeholder(let text): joinToken = text
        case .value(let text):
            joinToken = text
            sensitive.insert(text)
        }
    }

    private mutating func readStack(_ source: StackSource, report: inout DiagnosticReport) async throws {
        var environment: [Stack.Variable] = []
        for variable in source.stack.environment {
            switch try await read(variable.value, report: &report) {
            case nil: break
            case .placeholder(let text): environment.append(.init(name: variable.name.value, value: text))
            case .value(let text):
                environment.append(.init(name: variable.name.value, value: text))
                if case .literal = variable.value.source { continue }
                if text.utf8.count > 3 { sensitive.insert(text) }
            }
        }
        for file in source.files where file.isSecret && file.contents.count > 3 {
            sensitive.insert(String(decoding: file.contents, as: UTF8.self))
        }
        stacks.append(
            Stack(
                name: source.stack.name.value, contents: source.compose, files: source.files, environment: environment))
    }

    private mutating func readFile(_ file: Node.FirstBoot.File, report: inout DiagnosticReport) async throws {
        let text: String
        var isSecret = false
        switch try await read(file.content, report: &report) {
        case nil: return
        case .placeholder(let placeholder): text = placeholder
        case .value(let value):
            text = value
            // A text that is written out in the recipe is no secret to a reader of the recipe.
            if case .literal = file.content.source { isSecret = false } else { isSecret = true }
        }
        // A text of three characters would mask half of the rest and hide nothing.
        let masked: Set<String> = isSecret && text.utf8.count > 3 ? [text] : []
        sensitive.formUnion(masked)
        files.append(
            Provision.NodeFile(
                path: file.path.value, contents: Array(text.utf8), mode: file.mode, sensitive: masked))
    }
}
