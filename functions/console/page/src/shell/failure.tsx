import { Text } from "@mantine/core";

/** What went wrong, read out at once. */
export function Failure({ error }: { error: Error | null }) {
  return (
    <Text role="alert" c="red" size="sm" component="div" className="failure">
      {error?.message ?? ""}
    </Text>
  );
}
