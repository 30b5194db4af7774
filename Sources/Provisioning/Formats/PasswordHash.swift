import CCrypt
import Diagnostics
import Text

/// A login password as /etc/shadow holds it: crypt(5).
enum PasswordHash {
    /// The schemes that passwords are hashed with.
    enum Scheme: CaseIterable {
        /// At the cost that crypt(5) recommends and that Debian 11 and later take for their own passwords: 16 MiB of memory.
        case yescrypt
        /// For systems whose crypt does not know yescrypt. 5,000 rounds are the default, from 2007
        /// (<https://akkadia.org/drepper/SHA-crypt.txt>). 30,000 rounds hash 4 MB; a Pi Zero, the slowest of these
        /// computers, needs about a second for that.
        case sha512crypt

        private var prefix: String {
            switch self {
            case .yescrypt: "$y$j9T$"
            case .sha512crypt: "$6$rounds=30000$"
            }
        }

        /// The setting for crypt(3) with a salt of these bytes, of which there are at least 22.
        func setting(salt bytes: [UInt8]) -> String {
            switch self {
            case .yescrypt:
                // 128 bits in 22 characters, so the last one holds two bits.
                prefix + PasswordHash.text(of: bytes.prefix(21)) + PasswordHash.text(of: [bytes[21] & 3])
            // 16 characters are the most that it takes.
            case .sha512crypt: prefix + PasswordHash.text(of: bytes.prefix(16))
            }
        }
    }

    /// The alphabet of salts in crypt(5), six bits a character.
    private static let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func text(of bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map { alphabet[Int($0 & 63)] }, as: UTF8.self)
    }

    /// Hashes `password` with a salt that `key`, host and user decide: the same card written twice has the same bytes, and
    /// two nodes with one password have different hashes. The password is not in the salt: if you have the key and a hash,
    /// each guess still costs a whole hash.
    static func hash(
        _ password: String, as scheme: Scheme, key: [UInt8], host: String, user: String
    ) throws(Failure) -> String {
        let salt = KeyedDigest(secret: key, purpose: "piflash password salt 2").bytes(
            of: [host, user].map { Array($0.utf8) })
        return try crypt(password, setting: scheme.setting(salt: salt))
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
