/** How the page knows who its user is. The CRM brings it; nothing is stored here. */
export interface Auth {
  /** The present access token, or null where nobody is signed in. Asked before each call. */
  getToken(): Promise<string | null>;
  /** Calls back when the user signs in or out or the token is renewed; answers how to stop. */
  onChange?(callback: () => void): () => void;
  /** Brings the user to the login. */
  signIn?(): void;
}

/** The part of a Supabase client that is used. */
export interface SupabaseLike {
  auth: {
    getSession(): Promise<{ data: { session: { access_token: string } | null } }>;
    onAuthStateChange(callback: () => void): {
      data: { subscription: { unsubscribe(): void } };
    };
  };
}

/** A Supabase client as `auth`: it renews its token itself. */
export function supabaseAuth(client: SupabaseLike, signIn?: () => void): Auth {
  return {
    async getToken() {
      const { data } = await client.auth.getSession();
      return data.session?.access_token ?? null;
    },
    onChange(callback) {
      const { data } = client.auth.onAuthStateChange(callback);
      return () => data.subscription.unsubscribe();
    },
    signIn,
  };
}
