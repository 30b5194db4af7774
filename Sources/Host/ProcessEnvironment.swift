#if canImport(Glibc)
    import Glibc
#endif

/// The environment of this process.
package enum ProcessEnvironment {
    /// All variables as they are now. An entry without "=" is not a variable.
    package static var current: [String: String] {
        var environment: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let sign = pair.unicodeScalars.firstIndex(of: "=") {
                environment[String(pair[..<sign])] = String(pair[pair.unicodeScalars.index(after: sign)...])
            }
            entry += 1
        }
        return environment
    }
}
