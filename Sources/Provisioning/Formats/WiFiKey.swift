import Crypto
import CryptoExtras
import Diagnostics
import Text

/// The pre-shared key of a WPA2 network.
enum WiFiKey {
    /// IEEE 802.11, annex M.4: PBKDF2-HMAC-SHA1 over the network's name, 4096 rounds, 256 bits; 64 lower-case hex digits.
    static func derive(passphrase: String, ssid: String) throws(Failure) -> String {
        do {
            let key = try KDF.Insecure.PBKDF2.deriveKey(
                from: Array(passphrase.utf8), salt: Array(ssid.utf8), using: .insecureSHA1, outputByteCount: 32,
                unsafeUncheckedRounds: 4096)
            return key.withUnsafeBytes { $0.hex }
        } catch {
            throw Failure(.provisioning, "deriving the key of the Wi-Fi network \"\(ssid)\": \(error)")
        }
    }

    /// Whether `text` is a ready key.
    static func isReady(_ text: String) -> Bool {
        text.utf8.count == 64 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }
}
