import Text
import Diagnostics

extension RecipeDecoder {
    mutating func docker(_ value: RecipeValue) -> Node.Docker {
        guard let fields = fields(value, "docker", .docker) else { return Node.Docker() }
        var daemon: [Node.Docker.Key] = []
        if let given = fields["daemon"] {
            if case .mapping(let entries) = given.content {
                for entry in entries {
                    guard let json = json(entry.value, "docker.daemon.\(entry.key.value)") else { continue }
                    daemon.append(
                        Node.Docker.Key(name: entry.key, value: Located(json, at: entry.value.location)))
                }
            } else {
                report.error(
                    at: given.location, "docker.daemon: expected a map of dockerd's keys, this is \(given.kind)")
            }
        }
        var registry: Node.Docker.Registry?
        if let given = fields["registry"], let inner = self.fields(given, "docker.registry", .registry),
            let mirror = text(inner, "mirror")
        {
            registry = Node.Docker.Registry(mirror: mirror, insecure: flag(inner, "insecure") ?? false)
        }
        return Node.Docker(
            daemon: daemon, registry: registry, install: choice(fields, "install"), channel: choice(fields, "channel"),
            packages: files(fields, "packages"), proxy: fields["proxy"].flatMap { proxy($0, "docker.proxy") },
            remote: choice(fields, "remote"), preload: files(fields, "preload"), location: fields.location)
    }

    mutating func proxy(_ value: RecipeValue, _ path: String) -> Node.Proxy? {
        guard let fields = fields(value, path, .proxy) else { return nil }
        let (http, https) = (secret(fields, "http"), secret(fields, "https"))
        var proxy = Node.Proxy(
            http: http.map(address), https: https.map(address), noProxy: texts(fields, "no_proxy"),
            location: fields.location)
        if http?.isNamed == true { proxy.httpSecret = http }
        if https?.isNamed == true { proxy.httpsSecret = https }
        if fields["http"] == nil, fields["https"] == nil {
            report.error(at: fields.location, "\(path): no proxy is named: add http, https or both")
        }
        return proxy
    }

    private func address(_ secret: Secret) -> Located<String> {
        if case .literal(let text) = secret.source { return Located(text, at: secret.location) }
        return Located(Node.Proxy.unread, at: secret.location)
    }

    /// A value of daemon.json: plain `true`, `12` and `~` are JSON's, everything in quotes is text.
    private mutating func json(_ value: RecipeValue, _ path: String) -> JSONValue? {
        if let tag = value.tag {
            report.error(at: value.location, "\(path): \(tag) is not allowed here: daemon.json cannot hold secrets")
            return nil
        }
        switch value.content {
        case .sequence(let items): return .array(items.compactMap { json($0, path) })
        case .mapping(let entries):
            return .object(
                entries.compactMap { entry in
                    json(entry.value, "\(path).\(entry.key.value)").map { JSONValue.Member(entry.key.value, $0) }
                })
        case .scalar(let text, isPlain: false): return .string(text)
        case .scalar(let text, isPlain: true):
            switch text {
            case "true", "True", "TRUE": return .bool(true)
            case "false", "False", "FALSE": return .bool(false)
            case "", "~", "null", "Null", "NULL": return .null
            default:
                if text.wholeMatch(of: /-?(0|[1-9][0-9]*)/) != nil, let number = Int64(text) { return .integer(number) }
                if text.wholeMatch(of: /-?[0-9]+\.[0-9]+/) != nil, let number = Double(text) { return .number(number) }
                return .string(text)
            }
        }
    }
}
