import Foundation
package import SystemPackage

/// Small card images shaped like the vendors', made by `scripts/make-sample-image`.
package enum SampleImage: String, Sendable, CaseIterable {
    case hypriot
    case raspberryPiOS = "raspberry-pi-os"
    case ubuntu
    case hypriot2015 = "hypriot-2015"
    case hypriotDeviceInit = "hypriot-device-init"
    case raspbianWheezy = "raspbian-wheezy"
    case raspbianJessie = "raspbian-jessie"
    case raspbianStretch = "raspbian-stretch"
    case raspbianBuster = "raspbian-buster"
    /// Of 2022-01, before custom.toml.
    case bullseyeEarly = "raspberry-pi-os-bullseye-early"
    case bullseye = "raspberry-pi-os-bullseye"
    case bookworm = "raspberry-pi-os-bookworm"
    /// Of 2025-10-01, without cloud-init's files.
    case trixieEarly = "raspberry-pi-os-trixie-2025-10"
    case dietPi = "dietpi"
    case debianRaspi = "debian-raspi"

    /// Where the boot partition starts in every sample, in bytes.
    package static let bootStart: Int64 = 4 << 20

    /// Puts the image at `path`.
    package func make(at path: FilePath) throws {
        try SharedFiles.copy("\(rawValue).img", to: path, make: runScript)
    }

    /// Puts the image at `path`, packed by `zip -1`.
    package func makeZip(at path: FilePath) throws {
        try SharedFiles.copy("\(rawValue).img.zip", to: path) { path in
            let scratch = ScratchDirectory()
            try make(at: scratch["sample.img"])
            let zip = try OutsideTool("zip").run(["-q", "-1", "-j", path.string, scratch["sample.img"].string])
            guard zip.succeeded else { throw OutsideTool.Missing(description: zip.errors) }
        }
    }

    /// Makes the image at `path`, each time again.
    package func runScript(at path: FilePath) throws {
        let script = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("scripts").appending("make-sample-image")
        let result = try OutsideTool("sh").run([script.string, rawValue, path.string])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(script): \(result.errors)") }
    }
}

/// mtools, reading the boot partition of an image file: the oracle for everything piflash puts there.
package struct Mtools: Sendable {
    private let drive: String
    /// UTF-8 names; no complaints about geometry that no card has.
    private let environment = ["MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"]

    package init(image: FilePath, offset: Int64 = SampleImage.bootStart) { drive = "\(image)@@\(offset)" }

    package func contents(of path: String) throws -> [UInt8] {
        let result = try OutsideTool("mcopy").run(["-i", drive, "::\(path)", "-"], environment: environment)
        guard result.succeeded else { throw OutsideTool.Missing(description: "mcopy \(path): \(result.errors)") }
        return result.output
    }

    package func text(of path: String) throws -> String { String(decoding: try contents(of: path), as: UTF8.self) }

    /// Every file's path, without a "/" in front.
    package func paths() throws -> [String] {
        let result = try OutsideTool("mdir").run(["-i", drive, "-b", "-/", "::"], environment: environment)
        return result.text.split(separator: "\n").map { $0.replacingOccurrences(of: "::/", with: "") }
            .filter { !$0.hasSuffix("/") }
    }
}
