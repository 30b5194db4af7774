import Foundation
import SystemPackage
import TestSupport
import Testing

/// CONTRIBUTING: a multi-step write has its steps numbered in its comment, and a test that fails each step. If you number
/// the steps of something new, this test asks for that suite.
@Suite struct NumberedStepsTests {
    /// By the name of the file with the comment: the suites that make each step fail.
    private static let suites = [
        "CardWriter.swift": ["CardFaultTests", "PendingImageTests", "WipingTests"],
        "FATEdit.swift": ["FATEditFaultTests", "PowerCutTests"],
        "FATVolume+Committing.swift": ["FATCommittingTests", "PowerCutTests"],
        "Ext4Volume+Committing.swift": ["Ext4CommittingTests", "PowerCutTests"],
        "Ext4Volume+Recovery.swift": ["Ext4JournalTests"],
        "Ext4Volume+Applying.swift": ["Ext4RefusalTests"],
        "DurableFile.swift": ["FailingStepsTests", "DurableFilesTests"],
        "NewCommand.swift": ["FailingStepsTests"],
        "Reconfiguration+Applying.swift": ["FailingStepsTests"],
        "DaemonRound.swift": ["DaemonScriptFaultTests"],
        "daemon.sh": ["DaemonScriptFaultTests"],
    ]

    private static let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    @Test func `every comment that numbers steps has a suite that fails each of them`() throws {
        let found = try OutsideTool("grep").run([
            // The steps of a QR code are those of its standard, and write no file.
            "-rlE", "--exclude=QRCode.swift", "^ *(///?|#)( |.*[:;,] )+1\\. ", Self.root.appending("Sources").string,
        ])
        let names = Set(found.text.split(separator: "\n").compactMap { FilePath(String($0)).lastComponent?.string })
        #expect(names == Set(Self.suites.keys))
        for suite in Set(Self.suites.values.joined()) {
            let test = try OutsideTool("grep").run([
                "-rlw", "--include=*.swift", "struct \(suite)", Self.root.appending("Tests").string,
            ])
            #expect(test.succeeded, "there is no \(suite)")
        }
    }
}
