package import Diagnostics
import Text

extension Node {
    /// The proxies of a network that has no direct way out.
    package struct Proxy: Hashable, Sendable {
        /// For http:// addresses: http(s)://[user:password@]host[:port].
        package var http: Located<String>?
        /// For https:// addresses.
        package var https: Located<String>?
        /// Hosts, domains and networks that are reached directly.
        package var noProxy: [Located<String>]
        /// Where `proxy:` is in the recipe.
        package var location: Location
        /// The addresses that a tag names: until they are read, ``http`` and ``https`` are ``unread``.
        package var httpSecret: Secret?
        package var httpsSecret: Secret?

        package init(
            http: Located<String>? = nil, https: Located<String>? = nil, noProxy: [Located<String>] = [],
            location: Location
        ) {
            self.http = http
            self.https = https
            self.noProxy = noProxy
            self.location = location
        }

        /// Stands for an address that was not read. No host has a name that ends in "invalid" (RFC 2606).
        package static let unread = "http://unread.invalid"

        /// The addresses that hold a secret: those that a tag names, and those that hold a login.
        var secrets: [Secret] {
            [(http, httpSecret), (https, httpsSecret)].compactMap { address, secret in
                if let secret { return secret }
                guard let address, address.value.contains(scalar: "@") else { return nil }
                return Secret(.literal(address.value), at: address.location)
            }
        }

        /// What is shown only masked: the logins, and an address that a tag names, read or not.
        package var sensitive: Set<String> {
            let named = [(http, httpSecret), (https, httpsSecret)].compactMap { $1 == nil ? nil : $0?.value }
            return logins.union(named)
        }

        /// Whether an address was not read.
        package var isUnread: Bool { [http, https].contains { $0?.value == Self.unread } }

        /// The logins in the addresses: "me:secret".
        package var logins: Set<String> {
            Set(
                [http, https].compactMap { address in
                    guard let address = address?.value, let end = address.unicodeScalars.lastIndex(of: "@"),
                        let start = address.utf8.firstRange(of: "://".utf8)
                    else { return nil }
                    return String(address[start.upperBound..<end])
                })
        }
    }
}

extension Node {
    /// The node with the addresses of its proxies as `secrets` reads them. Throws one report with every address that cannot
    /// be read, or is not an address.
    package func readingProxies(by secrets: any SecretReading) async throws(DiagnosticReport) -> Node {
        var node = self
        var report = DiagnosticReport()
        for path in [\Node.network.proxy, \Node.docker.proxy] {
            guard var proxy = node[keyPath: path] else { continue }
            if let secret = proxy.httpSecret { proxy.http?.value = await Self.address(secret, secrets, &report) }
            if let secret = proxy.httpsSecret { proxy.https?.value = await Self.address(secret, secrets, &report) }
            node[keyPath: path] = proxy
        }
        guard !report.hasErrors else { throw report.unrepeated }
        return node
    }

    private static func address(
        _ secret: Secret, _ secrets: any SecretReading, _ report: inout DiagnosticReport
    ) async -> String {
        do throws(DiagnosticReport) {
            guard case .value(let value) = try await secrets.read(secret) else { return Proxy.unread }
            if let problem = secret.problem(with: value) { report.error(at: secret.location, problem) }
            return value
        } catch {
            report.merge(error)
            return Proxy.unread
        }
    }
}
