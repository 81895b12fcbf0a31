package agency

// ImportBatch is importBatch for tests.
const ImportBatch = importBatch
