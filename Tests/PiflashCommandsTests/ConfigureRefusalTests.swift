import Foundation
import SystemPackage
import TestSupport
import Testing

/// A `configure` that is refused leaves the file as it was: every byte, its size and its times.
@Suite struct ConfigureRefusalTests {
    let harness = CommandHarness()

    /// What is done to a card image, by a shell, and a word of the refusal. The boot partition of the sample starts at 4 MiB,
    /// the root partition at 68 MiB (`$root` for libext2fs).
    private static let damages: [(script: String, word: String)] = [
        // Cut off, anywhere.
        ("truncate -s 0 card.img", "no partition table"), ("truncate -s 511 card.img", "no partition table"),
        ("truncate -s 512 card.img", "partition"), ("truncate -s 513 card.img", "partition"),
        ("head -c 512 /dev/urandom >card.img", "no partition table"),
        ("head -c 512 /dev/zero >card.img", "no partition table"),
        ("truncate -s 4M card.img", "truncated"), ("truncate -s 5000000 card.img", "truncated"),
        ("truncate -s -512 card.img", "truncated"),
        // One sector that looks like a FAT volume.
        ("dd if=card.img bs=512 skip=8192 count=1 of=sector status=none && cp sector card.img", "no partition table"),
        // The table: the start of partition 1 at byte 454, its size at 458; of partition 2 at 470 and 474.
        ("put 446 64 0", "no FAT boot partition"), ("put 510 2 0", "no partition table"),
        ("put 458 4 0", "no FAT boot partition"), ("put 454 4 255", "truncated"), ("put 474 4 255", "truncated"),
        ("put 472 1 1", "overlap"), ("put 454 4 0", "starts before"),
        // FAT: the reserved sectors; the second table of a file's chain; a chain that leads to itself.
        ("put $((4194304 + 14)) 2 0", "boot partition"), ("put $((4194304 + 13)) 1 2", "boot partition"),
        ("put $((4194304 + 32 * 512 + 3 * 4)) 1 3", "boot partition"), ("put $((4194304 + 65)) 1 1", "unmounted"),
        // ext4's accounts.
        (
            "debugfs -w -R 'set_super_value free_blocks_count 4000000000' \"$root\" 2>/dev/null",
            "e2fsck -f` on its partition"
        ),
        ("debugfs -w -R 'set_super_value free_inodes_count 7' \"$root\" 2>/dev/null", "e2fsck -f` on its partition"),
        ("debugfs -w -R 'set_block_group 0 free_blocks_count 9' \"$root\" 2>/dev/null", "e2fsck -f` on its partition"),
        ("debugfs -w -R 'freeb 700 20' \"$root\" 2>/dev/null", "e2fsck -f` on its partition"),
        (
            "debugfs -w -R 'set_block_group 0 block_bitmap 16777242' \"$root\" 2>/dev/null",
            "e2fsck -f` on its partition"
        ),
    ]

    @Test func `every damaged image is refused with its next step and stays as it was`() async throws {
        try harness.prepare(.raspbianStretch)
        let control = try await configure("true")
        #expect(control.outcome.status == 0 && !control.isUnchanged, "\(control.outcome.errors)")
        for damage in Self.damages {
            let (outcome, isUnchanged) = try await configure(damage.script)
            #expect([1, 2, 3].contains(outcome.status), "\(damage.script): \(outcome.status)\n\(outcome.errors)")
            #expect(outcome.errors.contains(damage.word), "\(damage.script): \(outcome.errors)")
            #expect(
                outcome.errors.contains("hint: ") || outcome.errors.contains("e2fsck"),
                "\(damage.script): \(outcome.errors)")
            #expect(isUnchanged, "\(damage.script): the file was changed")
        }
    }

    /// A system that needs nothing in its root partition gets no card with a broken one, either.
    @Test func `an inconsistent root partition is refused even if it would not be changed`() async throws {
        try harness.prepare(.raspberryPiOS)
        #expect(try await configure("true").outcome.status == 0)
        let root = "card.img?offset=\(132 << 20)"
        let script = "debugfs -w -R 'set_super_value free_inodes_count 7' '\(root)' 2>/dev/null"
        let (outcome, isUnchanged) = try await configure(script)
        #expect(outcome.status == 3, "\(outcome.errors)")
        #expect(outcome.errors.contains("e2fsck -f"), "\(outcome.errors)")
        #expect(isUnchanged)
    }

    private func configure(_ script: String) async throws -> (outcome: CommandHarness.Outcome, isUnchanged: Bool) {
        try shell(
            """
            put() { # OFFSET COUNT BYTE
                head -c "$2" /dev/zero | tr '\\000' "\\\\$(printf %o "$3")" |
                    dd of=card.img bs=1 seek="$1" conv=notrunc status=none
            }
            root="card.img?offset=71303168"
            cp --sparse=always sample.img card.img && \(script) && cp --sparse=always card.img before.img &&
            touch -d '2026-01-02 03:04:05.678' card.img && stat -c '%s %Y %y %Z %z %i %a' card.img >before
            """)
        let outcome = await harness.run("configure", "--recipe", "red01.yaml", "card.img")
        let same = try OutsideTool("sh").run([
            "-c",
            "cd \"$0\" && stat -c '%s %Y %y %Z %z %i %a' card.img | cmp -s - before && cmp -s card.img before.img",
            harness.scratch.path.string,
        ])
        return (outcome, same.succeeded)
    }

    private func shell(_ script: String) throws {
        let result = try OutsideTool("sh").run(["-c", "cd \"$0\"\n\(script)", harness.scratch.path.string])
        #expect(result.succeeded, "\(script): \(result.errors)")
    }
}
