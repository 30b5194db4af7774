import Text
import Diagnostics

/// Docker's log drivers, their options, and what the values must keep (moby/moby, daemon/logger).
///
/// dockerd looks at the names of the options when it starts, at most values only when a container does; then every
/// container fails, so both are errors here.
enum LogDrivers {
    struct Option: Sendable {
        let name: String
        let since: EngineVersion
        let until: EngineVersion?

        init(_ name: String, since: EngineVersion = .daemonFile, until: EngineVersion? = nil) {
            self.name = name
            self.since = since
            self.until = until
        }
    }

    struct Driver: Sendable {
        let name: String
        let since: EngineVersion
        let until: EngineVersion?
        let options: [Option]
    }

    private static let v1: EngineVersion = EngineVersion(1, 6)
    private static let common: [Option] = [
        Option("labels"), Option("labels-regex", since: EngineVersion(20, 10)), Option("env"),
        Option("env-regex", since: EngineVersion(17, 5)),
    ]
    private static let tag = Option("tag")
    private static let rotation: [Option] = [
        Option("max-size"), Option("max-file"), Option("compress", since: EngineVersion(18, 9)),
    ]
    /// The attributes came to the driver `local` late.
    private static let lateCommon: [Option] = ["labels", "labels-regex", "env", "env-regex", "tag"].map {
        Option($0, since: EngineVersion(29, 5))
    }

    /// Options of every driver but "none".
    static let general: [Option] = [
        Option("mode", since: EngineVersion(17, 5)), Option("max-buffer-size", since: EngineVersion(17, 5)),
        Option("cache-disabled", since: EngineVersion(20, 10)), Option("cache-max-size", since: EngineVersion(20, 10)),
        Option("cache-max-file", since: EngineVersion(20, 10)), Option("cache-compress", since: EngineVersion(20, 10)),
    ]

    private static func options(_ prefix: String, _ names: [String], since: EngineVersion = .daemonFile) -> [Option] {
        names.map { Option(prefix + $0, since: since) }
    }

    static let all: [Driver] = [
        Driver(
            name: "awslogs", since: EngineVersion(1, 9), until: nil,
            options: [tag] + options("awslogs-", ["region", "group", "stream"])
                + options("awslogs-", ["create-group"], since: EngineVersion(17, 5))
                + options("awslogs-", ["datetime-format", "multiline-pattern"], since: EngineVersion(17, 6))
                + options("awslogs-", ["endpoint", "credentials-endpoint"], since: EngineVersion(18, 9))
                + options(
                    "awslogs-", ["force-flush-interval-seconds", "max-buffered-events"], since: EngineVersion(19, 3))
                + options("awslogs-", ["create-stream", "format"], since: EngineVersion(23, 0))),
        Driver(
            name: "fluentd", since: EngineVersion(1, 8), until: nil,
            options: common + [tag]
                + options("fluentd-", ["address", "buffer-limit", "retry-wait", "max-retries"])
                + [Option("fluentd-async-connect", until: EngineVersion(28, 0))]
                + options("fluentd-", ["sub-second-precision"], since: EngineVersion(18, 9))
                + options("fluentd-", ["async", "request-ack"], since: EngineVersion(20, 10))
                + options("fluentd-", ["async-reconnect-interval"], since: EngineVersion(23, 0))
                + options("fluentd-", ["write-timeout"], since: EngineVersion(28, 1))
                + options("fluentd-", ["read-timeout"], since: EngineVersion(29, 0))),
        Driver(
            name: "gcplogs", since: EngineVersion(1, 11), until: nil,
            options: common + options("gcp-", ["project", "log-cmd", "meta-zone", "meta-name", "meta-id"])),
        Driver(
            name: "gelf", since: EngineVersion(1, 8), until: nil,
            options: common + [tag] + options("gelf-", ["address", "compression-type", "compression-level"])
                + options("gelf-", ["tcp-max-reconnect", "tcp-reconnect-delay"], since: EngineVersion(17, 12))),
        Driver(name: "journald", since: EngineVersion(1, 7), until: nil, options: common + [tag]),
        Driver(name: "json-file", since: v1, until: nil, options: common + [tag] + rotation),
        Driver(name: "local", since: EngineVersion(18, 9), until: nil, options: rotation + lateCommon),
        Driver(
            name: "logentries", since: EngineVersion(1, 13), until: EngineVersion(25, 0),
            options: common + [tag] + options("logentries-", ["token"]) + [Option("line-only")]),
        Driver(name: "none", since: v1, until: nil, options: []),
        Driver(
            name: "splunk", since: EngineVersion(1, 10), until: nil,
            options: common + [tag]
                + options(
                    "splunk-",
                    [
                        "url", "token", "source", "sourcetype", "index", "capath", "caname", "insecureskipverify",
                        "format", "verify-connection", "gzip", "gzip-level",
                    ])
                + options("splunk-", ["index-acknowledgment"], since: EngineVersion(20, 10))),
        Driver(
            name: "syslog", since: v1, until: nil,
            options: common + [tag]
                + options(
                    "syslog-",
                    ["address", "facility", "format", "tls-ca-cert", "tls-cert", "tls-key", "tls-skip-verify"])),
    ]
}

extension DaemonValidation {
    mutating func validateLogging() {
        let options: [JSONValue.Member] =
            if case .object(let inner)? = value("log-opts") { inner } else { [] }
        let name = text("log-driver") ?? "json-file"
        guard let driver = LogDrivers.all.first(where: { $0.name == name }) else {
            return validatePlugin(name, hasOptions: !options.isEmpty)
        }
        if version < driver.since || driver.until.map({ version >= $0 }) == true {
            let when = driver.until.flatMap { version >= $0 ? "it is gone since \($0)" : nil }
            return error(
                index(of: "log-driver"),
                "Docker \(version) has no log driver \"\(name)\": \(when ?? "it came with \(driver.since)")")
        }
        guard name != "none" else {
            if !options.isEmpty { warning(index(of: "log-opts"), "the log driver \"none\" has no options") }
            return
        }
        let at = index(of: "log-opts")
        var values: [String: String] = [:]
        for option in options {
            if case .string(let text) = option.value { values[option.name] = text }
            validateOption(option.name, of: driver, at)
        }
        validateValues(values, driver: name, at)
    }

    /// A plugin goes by the name of its image, or by the alias that it was installed with. Without options dockerd looks for
    /// it only when a container starts; with options it waits 15 seconds for it when it starts itself, and then ends
    /// (20.10.24).
    private mutating func validatePlugin(_ name: String, hasOptions: Bool) {
        let at = index(of: "log-driver")
        let isImage = name.contains(scalar: "/") || name.contains(scalar: ":")
        if !isImage, let near = nearest(to: name, among: LogDrivers.all.map(\.name)) {
            return error(
                at, "Docker has no log driver \"\(name)\", and no container starts with it; did you mean \"\(near)\"?")
        }
        if surroundings.plugins?.contains(name) == true { return }
        let text =
            "\"\(name)\" is not one of Docker's log drivers; without a plugin of that name "
            + (hasOptions ? "dockerd does not start" : "no container starts")
        if surroundings.plugins != nil { return error(at, text) }
        let install =
            name == "loki"
            ? "docker plugin install grafana/loki-docker-driver --alias loki" : "docker plugin install"
        warning(
            at,
            text
                + (hasOptions
                    ? ": on a new card, leave the keys out, install the plugin with first_boot.run (\(install)), and then add "
                        + "them with piflash daemon"
                    : ": install it with first_boot.run (\(install))"))
    }

    private mutating func validateOption(_ name: String, of driver: LogDrivers.Driver, _ at: Int?) {
        let known = driver.options + LogDrivers.general
        guard let option = known.first(where: { $0.name == name }) else {
            let near = nearest(to: name, among: known.map(\.name))
            return error(
                at,
                "the log driver \(driver.name) does not have this option, and dockerd does not start with it"
                    + (near.map { "; did you mean \"\($0)\"?" } ?? ""), inside: name)
        }
        if version < option.since {
            error(
                at, "Docker \(version) does not start with it: it came to \(driver.name) with \(option.since)",
                inside: name)
        } else if let until = option.until, version >= until {
            error(
                at, "Docker \(version) does not start with it: it is gone since \(until); write \"fluentd-async\"",
                inside: name)
        }
    }

    private mutating func validateValues(_ values: [String: String], driver: String, _ at: Int?) {
        /// Go's strconv.ParseBool.
        func isFlag(_ text: String) -> Bool {
            ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"].contains(text)
        }
        if let mode = values["mode"], !["", "blocking", "non-blocking"].contains(mode) {
            error(at, "\"\(mode)\" is not a valid mode (blocking, non-blocking)", inside: "mode")
        }
        if let size = values["max-buffer-size"] {
            if values["mode"] != "non-blocking" {
                error(at, "works only with \"mode\": \"non-blocking\"", inside: "max-buffer-size")
            }
            if !TextRules.isSize(size) {
                error(at, "\"\(size)\" is not a valid size (\"4m\")", inside: "max-buffer-size")
            }
        }
        if let text = values["cache-disabled"], !text.isEmpty, !isFlag(text) {
            error(at, "\"\(text)\" is neither true nor false", inside: "cache-disabled")
        }
        if driver == "json-file" || driver == "local" { validateRotation(values, driver: driver, at, isFlag) }
        switch driver {
        case "awslogs":
            if values["awslogs-group", default: ""].isEmpty {
                error(at ?? index(of: "log-driver"), "needs awslogs-group")
            }
            if values["awslogs-datetime-format"] != nil, values["awslogs-multiline-pattern"] != nil {
                error(at, "awslogs-datetime-format and awslogs-multiline-pattern exclude each other")
            }
            for name in ["awslogs-create-group", "awslogs-create-stream"] {
                if let text = values[name], !text.isEmpty, !isFlag(text) {
                    error(at, "\"\(text)\" is neither true nor false", inside: name)
                }
            }
            for name in ["awslogs-force-flush-interval-seconds", "awslogs-max-buffered-events"] {
                if let text = values[name], !text.isEmpty, Int(text).map({ $0 > 0 }) != true {
                    error(at, "\"\(text)\" is not a number above 0", inside: name)
                }
            }
        case "gelf": validateGELF(values, at)
        case "splunk":
            for name in ["splunk-url", "splunk-token"] where values[name, default: ""].isEmpty {
                error(at ?? index(of: "log-driver"), "needs \(name)")
            }
        case "logentries":
            if values["logentries-token", default: ""].isEmpty {
                error(at ?? index(of: "log-driver"), "needs logentries-token")
            }
        case "syslog": validateSyslog(values, at)
        case "fluentd":
            for name in [
                "fluentd-async", "fluentd-async-connect", "fluentd-sub-second-precision", "fluentd-request-ack",
            ] {
                if let text = values[name], !text.isEmpty, !isFlag(text) {
                    error(at, "\"\(text)\" is neither true nor false", inside: name)
                }
            }
            if let text = values["fluentd-max-retries"], !text.isEmpty, UInt32(text) == nil {
                error(at, "\"\(text)\" is not a whole number", inside: "fluentd-max-retries")
            }
            if let text = values["fluentd-buffer-limit"], !text.isEmpty, !TextRules.isSize(text) {
                error(at, "\"\(text)\" is not a valid size (\"1m\")", inside: "fluentd-buffer-limit")
            }
            let times = [
                "fluentd-retry-wait", "fluentd-async-reconnect-interval", "fluentd-write-timeout",
                "fluentd-read-timeout",
            ]
            for name in times {
                if let text = values[name], !text.isEmpty,
                    text.wholeMatch(of: /0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+/) == nil
                {
                    error(at, "\"\(text)\" is not a valid time (\"500ms\")", inside: name)
                }
            }
        default: break
        }
    }

    private mutating func validateRotation(
        _ values: [String: String], driver: String, _ at: Int?, _ isFlag: (String) -> Bool
    ) {
        let size = values["max-size"]
        if let size, !TextRules.isSize(size) || !size.contains(where: { ("1"..."9").contains($0) }) {
            error(
                at, "\"\(size)\" is not a size above 0 (\"10m\"), and no container starts with it", inside: "max-size")
        }
        var files = driver == "local" ? 5 : 1
        if let text = values["max-file"] {
            guard let count = Int(text), count >= 1, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return error(
                    at, "\"\(text)\" is not a number above 0, and no container starts with it", inside: "max-file")
            }
            files = count
            if driver == "json-file", size == nil, count > 1 {
                warning(at, "without max-size there is never a second file", inside: "max-file")
            }
        }
        var compress = driver == "local"
        if let text = values["compress"] {
            guard isFlag(text) else { return error(at, "\"\(text)\" is neither true nor false", inside: "compress") }
            compress = text.lowercased().hasPrefix("t") || text == "1"
        }
        if compress, files < 2 || (driver == "json-file" && size == nil) {
            error(
                at,
                driver == "local"
                    ? "with \"max-file\": \"1\" no container starts; add \"compress\": \"false\""
                    : "no container starts with it unless max-size is set and max-file is 2 or more",
                inside: driver == "local" ? "max-file" : "compress")
        }
    }

    private mutating func validateGELF(_ values: [String: String], _ at: Int?) {
        let at = at ?? index(of: "log-driver")
        guard let address = values["gelf-address"], !address.isEmpty else { return error(at, "needs gelf-address") }
        guard
            let match = address.wholeMatch(
                of: /(udp|tcp):\/\/([^\/:]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})\/?/.matchingSemantics(.unicodeScalar))
        else {
            return error(at, "\"\(address)\" is not of the form udp://host:port", inside: "gelf-address")
        }
        for name in ["gelf-compression-type", "gelf-compression-level"] {
            guard let text = values[name] else { continue }
            if match.1 != "udp" { error(at, "works on UDP only", inside: name) }
            let isRight =
                name.hasSuffix("type")
                ? ["gzip", "zlib", "none"].contains(text) : Int(text).map { (-1...9).contains($0) } ?? false
            if !isRight { error(at, "\"\(text)\" is not one of its values", inside: name) }
        }
        for name in ["gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"] {
            guard let text = values[name] else { continue }
            if match.1 != "tcp" { error(at, "works on TCP only", inside: name) }
            if Int(text).map({ $0 >= 0 }) != true { error(at, "\"\(text)\" is not a number from 0 on", inside: name) }
        }
    }

    private static let facilities: Set<String> = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "local0",
        "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]

    private mutating func validateSyslog(_ values: [String: String], _ at: Int?) {
        if let address = values["syslog-address"], !address.isEmpty {
            let pattern = /((udp|tcp|tcp\+tls):\/\/([^\/:\s]*|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?\/?|unix(gram)?:\/\/\/.+)/
                .matchingSemantics(.unicodeScalar)
            if address.wholeMatch(of: pattern) == nil {
                error(at, "\"\(address)\" is not of the form udp://host:port", inside: "syslog-address")
            }
        }
        if let facility = values["syslog-facility"], !facility.isEmpty, !Self.facilities.contains(facility),
            Int(facility).map({ (0...23).contains($0) }) != true
        {
            error(at, "\"\(facility)\" is not a valid facility (daemon, local0)", inside: "syslog-facility")
        }
        if let format = values["syslog-format"], !["", "rfc3164", "rfc5424", "rfc5424micro"].contains(format) {
            error(at, "\"\(format)\" is not a valid format (rfc3164, rfc5424, rfc5424micro)", inside: "syslog-format")
        }
    }
}
