import Diagnostics
import SystemPackage

/// The failures of damaged archives, with the same words for every format.
extension Failure {
    static func truncatedArchive(_ path: FilePath, _ reason: String) -> Failure {
        Failure(
            .truncatedArchive, "\(path) is truncated (\(reason))", hint: "the download is incomplete: download it again"
        )
    }

    static func damagedArchive(_ path: FilePath, _ reason: String) -> Failure {
        Failure(.corruptArchive, "\(path) is damaged (\(reason))", hint: "download it again, and compare its checksum")
    }

    static func encryptedArchive(_ path: FilePath) -> Failure {
        Failure(
            .encryptedArchive, "\(path) is encrypted",
            hint: "unpack it with the program that knows its password, and name the unpacked image")
    }

    /// - Parameter command: What unpacks it.
    static func unsupportedArchive(_ path: FilePath, _ reason: String, with command: String? = nil) -> Failure {
        Failure(
            .unsupportedArchive, "piflash cannot unpack \(path): \(reason)",
            hint: "unpack it with \(command.map { "`\($0)`" } ?? "another program"), and name the unpacked image")
    }

    /// A complete stream with other bytes after it.
    static func trailingBytes(_ count: Int64, in source: ImageSource) -> Failure {
        Failure(
            .corruptArchive,
            "\(source.path) is damaged: \(count) bytes follow the end of its \(source.format.rawValue) stream",
            hint:
                "download it again, and compare its checksum; if the vendor puts them there, unpack it, and name the image"
        )
    }
}
