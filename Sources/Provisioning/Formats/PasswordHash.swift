import CCrypt
import Crypto
import Diagnostics

/// A login password as /etc/shadow holds it: crypt(5), sha512crypt, which every release since wheezy accepts.
enum PasswordHash {
    /// The salt's alphabet in crypt(5).
    private static let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// Hashes `password` with a salt that `key`, host, user and password decide: the same card written twice has the
    /// same bytes, and without the key two equal passwords do not look equal.
    static func sha512crypt(_ password: String, key: [UInt8], host: String, user: String) throws(Failure) -> String {
        var authenticator = HMAC<SHA256>(key: SymmetricKey(data: key))
        for part in ["piflash password salt", host, user, password] {
            authenticator.update(data: Array("\(part.utf8.count):\(part)".utf8))
        }
        // 16 characters of six bits are the most that sha512crypt takes.
        let salt = authenticator.finalize().prefix(16).map { alphabet[Int($0 & 63)] }
        return try crypt(password, setting: "$6$" + String(decoding: salt, as: UTF8.self))
    }

    static func crypt(_ password: String, setting: String) throws(Failure) -> String {
        // crypt_data is 32 KiB: off the stack, and zeroed, as crypt_r demands.
        let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
        data.initialize(to: crypt_data())
        defer {
            data.deinitialize(count: 1)
            data.deallocate()
        }
        // A failure is NULL or a string that starts with "*".
        guard let hash = crypt_r(password, setting, data), hash.pointee != CChar(UInt8(ascii: "*")) else {
            throw Failure(.provisioning, "hashing a password: libcrypt refused it")
        }
        return String(cString: hash)
    }
}
