#if canImport(Glibc)
    import Glibc
#endif

extension InvokingUser {
    /// The login name (passwd(5)); nil if the system knows none.
    package var name: String? {
        var buffer = [CChar](repeating: 0, count: 16384)
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(userID, &entry, &buffer, buffer.count, &result) == 0, result != nil, let name = entry.pw_name
        else { return nil }
        return String(cString: name)
    }
}
