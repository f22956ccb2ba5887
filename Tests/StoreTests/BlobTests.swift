import FoundationEssentials
import Store
import Testing

struct BlobTests {
    @Test func `the same bytes are one file, found by their hash`() async throws {
        try await withStore(.file) { house in
            let blobs = house.store.blobs
            let hash = try await blobs.put(Array("abc".utf8))
            #expect(hash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            #expect(try await blobs.put(Array("abc".utf8)) == hash)
            #expect(try await blobs.get(hash) == Array("abc".utf8))
            let empty = try await blobs.put([])
            #expect(try await blobs.get(empty) == [])
            let path = "\(house.folder)/blobs/ba"
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [hash])
            try Data("abd".utf8).write(to: URL(filePath: "\(path)/\(hash)"))
            let error = await #expect(throws: StoreError.self) { try await blobs.get(hash) }
            #expect(error?.description == "\(path)/\(hash) is damaged. Restore it from a backup.")
        }
    }

    @Test(arguments: ["../../etc/passwd", "", "ABCD", String(repeating: "g", count: 64)])
    func `a name that is no hash is refused`(name: String) async throws {
        try await withStore(.memory) { house in
            let error = await #expect(throws: StoreError.self) { try await house.store.blobs.get(name) }
            #expect(error?.description == "an attachment is named by 64 hex digits; this name is something else")
        }
    }

    @Test func `a missing attachment is named`() async throws {
        try await withStore(.memory) { house in
            let hash = String(repeating: "a", count: 64)
            let error = await #expect(throws: StoreError.self) { try await house.store.blobs.get(hash) }
            #expect(
                error?.description
                    == "cannot read \(house.folder)/blobs/aa/\(hash): No such file or directory. Check the disk's free space and "
                    + "that the daemon's user may use the folder.")
        }
    }
}
