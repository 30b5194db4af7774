package import Diagnostics

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

        package init(
            http: Located<String>? = nil, https: Located<String>? = nil, noProxy: [Located<String>] = [],
            location: Location
        ) {
            self.http = http
            self.https = https
            self.noProxy = noProxy
            self.location = location
        }

        /// The logins in the addresses: "me:secret".
        package var logins: Set<String> {
            Set(
                [http, https].compactMap { address in
                    guard let address = address?.value, let end = address.lastIndex(of: "@"),
                        let start = address.firstRange(of: "://")
                    else { return nil }
                    return String(address[start.upperBound..<end])
                })
        }
    }
}
