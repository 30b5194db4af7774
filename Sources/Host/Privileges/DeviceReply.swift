package import Diagnostics
package import SystemPackage

/// What the process with root's rights answers. An open device comes along with `done`.
package enum DeviceReply: Sendable {
    case done
    /// The system's own reason.
    case failed(Errno)
    /// The device must not be opened.
    case refused(Failure)

    /// In bytes: no answer is longer.
    package static let limit = 4096

    package var bytes: [UInt8] {
        switch self {
        case .done: return [0]
        case .failed(let reason): return [1, UInt8(clamping: reason.rawValue)]
        case .refused(let failure):
            let texts = [failure.code.rawValue, failure.message, failure.hint ?? ""]
            return [2] + Array(texts.joined(separator: "\0").utf8.prefix(Self.limit - 1))
        }
    }

    package init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case 0 where bytes.count == 1: self = .done
        case 1 where bytes.count == 2: self = .failed(Errno(rawValue: Int32(bytes[1])))
        case 2:
            let texts = bytes.dropFirst().split(separator: 0, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            guard texts.count == 3 else { return nil }
            self = .refused(
                Failure(
                    Failure.Code(texts[0]), severity: .refused, texts[1], hint: texts[2].isEmpty ? nil : texts[2]))
        default: return nil
        }
    }
}
