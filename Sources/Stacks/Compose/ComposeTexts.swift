import Text

/// Texts of compose files that docker reads as something else.
enum ComposeTexts {
    /// Go's time.ParseDuration.
    static func isDuration(_ text: String) -> Bool {
        text.wholeMatch(of: /[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)/) != nil
    }

    /// nat.ParsePortSpec of docker/go-connections: [[address:][port[-port]]:]port[-port][/protocol]
    static func isPort(_ text: String) -> Bool { port(text) != nil }

    /// The published ports of a port specification, empty if it publishes none; nil if it is not one.
    static func port(_ text: String) -> (published: ClosedRange<Int>?, isTCP: Bool)? {
        let parts = text.split(at: "/", omittingEmptySubsequences: false)
        guard parts.count < 3, parts.count == 1 || ["tcp", "udp", "sctp"].contains(parts[1].lowercased()) else {
            return nil
        }
        var fields = parts[0].split(at: ":", omittingEmptySubsequences: false)
        guard let target = fields.popLast().flatMap(range) else { return nil }
        let isTCP = parts.count == 1 || parts[1].lowercased() == "tcp"
        guard let host = fields.popLast() else { return (nil, isTCP) }
        if !fields.isEmpty {
            let address = fields.joined(separator: ":").trimmingBrackets
            guard address.isEmpty || IPAddress(address) != nil else { return nil }
        }
        if host.isEmpty { return (nil, isTCP) }
        // A range of ports may share one target, whichever of them is free.
        guard let published = range(host), published.count == target.count || target.count == 1 else { return nil }
        return (published, isTCP)
    }

    private static func range(_ text: Substring) -> ClosedRange<Int>? {
        let ends = text.split(at: "-", omittingEmptySubsequences: false).map { end in
            end.allSatisfy { $0.isASCII && $0.isNumber } ? Int(end) : nil
        }
        guard ends.count < 3, let first = ends[0], let last = ends.last ?? nil, first <= last, last <= 65_535 else {
            return nil
        }
        return first...last
    }

    /// units.RAMInBytes of docker/go-units.
    static func isSize(_ text: String) -> Bool {
        text.wholeMatch(of: /[0-9]+(\.[0-9]+)? ?[kKmMgGtTpP]?[iI]?[bB]?/) != nil
    }

    /// swarmkit's placement constraints (manager/constraint).
    static func isConstraint(_ text: String) -> Bool {
        let key = /(?i)\s*(node\.(id|hostname|role|ip|platform\.(os|arch)|labels\.\S+)|engine\.labels\.\S+)\s*/
            .matchingSemantics(.unicodeScalar)
        for mark in ["==", "!="] {
            guard let found = text.firstRange(of: mark) else { continue }
            let value = text[found.upperBound...].trimmed
            return text[..<found.lowerBound].wholeMatch(of: key) != nil
                && value.wholeMatch(of: /(?i)[a-z0-9:\-_\s.*()?+\[\]\\^$|\/@]+/.matchingSemantics(.unicodeScalar))
                    != nil
        }
        return false
    }
}

extension String {
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
